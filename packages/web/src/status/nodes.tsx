import type { StatusMessages } from '../../../rendezvous/src/http/status-messages.js'
import { formatBytes, formatCount, formatDuration } from '../shared/format.js'

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
          The other nodes cannot be reached. Clients of this node reach only each other.
        </p>
      )}
      <table>
        <thead>
          <tr>
            <th scope="col">node</th>
            <th scope="col" class="number">
              in flight
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
                    this node, lease renewed {formatDuration(cluster.leaseAge)} ago
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
        connections between nodes: {formatCount(cluster.dials)}, queued for them: {formatBytes(cluster.keptBytes)}, feed
        lag: {formatCount(cluster.feedLag)}, retransmits: {formatCount(cluster.retransmits)}
      </p>
    </section>
  )
}
