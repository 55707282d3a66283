import type { StatusMessages } from '../../../rendezvous/src/http/status-messages.js'
import { formatBytes, formatCount, formatDuration } from '../shared/format.js'

/** The machines that share the star, if there are several. */
export function Nodes({ cluster }: { cluster: StatusMessages['cluster'] }) {
  if (cluster === null) return null
  const links = new Map(cluster.links.map((link) => [link.node, link]))
  return (
    <section class="nodes" aria-labelledby="nodes">
      <h2 id="nodes">
        Nodes <span class="label">{cluster.nodes.length} share this star</span>
      </h2>
      {cluster.fenced && (
        <p class="notice" role="status">
          The other nodes cannot be reached: this one serves its own clients among themselves.
        </p>
      )}
      <table>
        <thead>
          <tr>
            <th scope="col">node</th>
            <th scope="col" class="number">
              under way
            </th>
            <th scope="col" class="number">
              window
            </th>
          </tr>
        </thead>
        <tbody>
          {cluster.nodes.toSorted().map((node) => {
            const link = links.get(node)
            return (
              <tr key={node}>
                <th scope="row" class="mono">
                  {node}
                </th>
                {node === cluster.node ? (
                  <td colSpan={2} class="number label">
                    this one, seen {formatDuration(cluster.leaseAge)} ago
                  </td>
                ) : (
                  <>
                    <td class="number">{link === undefined ? '–' : formatBytes(link.unacknowledged)}</td>
                    <td class="number">{link === undefined ? '–' : formatBytes(link.window)}</td>
                  </>
                )}
              </tr>
            )
          })}
        </tbody>
      </table>
      <p class="label">
        dials between nodes: {formatCount(cluster.dials)}, kept for them: {formatBytes(cluster.keptBytes)}, changes
        behind: {formatCount(cluster.feedLag)}, sent again: {formatCount(cluster.retransmits)}
      </p>
    </section>
  )
}
