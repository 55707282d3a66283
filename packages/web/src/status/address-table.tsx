import type { ListedAddresses } from '../../../rendezvous/src/http/status-messages.js'
import { formatBytes, formatCount, formatDuration } from '../shared/format.js'

export function AddressTable({ list: { addresses, total } }: { list: ListedAddresses }) {
  return (
    <>
      <div class="scroll" role="region" aria-label="Addresses" tabIndex={0}>
        <table class="addresses">
          <thead>
            <tr>
              <th scope="col">address</th>
              <th scope="col" class="number">
                TCP connections
              </th>
              <th scope="col" class="number">
                sessions
              </th>
              <th scope="col" class="number">
                incomplete messages
              </th>
              <th scope="col" class="number">
                queued
              </th>
              <th scope="col">CPU</th>
            </tr>
          </thead>
          <tbody>
            {addresses.map(({ network, connections, sessions, received, queued, debt }) => (
              <tr key={network ?? ''}>
                <th scope="row" class="mono">
                  {network ?? 'loopback and trusted proxies'}
                </th>
                <td class="number">{formatCount(connections)}</td>
                <td class="number">{formatCount(sessions)}</td>
                <td class="number">{formatBytes(received)}</td>
                <td class="number">{formatBytes(queued)}</td>
                <td>
                  {debt > 0 ? (
                    <span data-tone="held">over budget: slowed for {formatDuration(Math.max(1_000, debt))}</span>
                  ) : (
                    <span class="soft">–</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {addresses.length < total && (
        <p class="label">
          {formatCount(addresses.length)} of {formatCount(total)} addresses
        </p>
      )}
    </>
  )
}
