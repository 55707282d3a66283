import { formatCount, formatDuration } from '../shared/format.js'
import type { WorkStats } from './use-status.js'

const NAMES: Readonly<Record<string, string>> = {
  frame: 'WebSocket pings and fragments',
  packet: 'engine.io packets',
  stray: 'messages without a receiver',
  unfinished: 'incomplete messages',
  event: 'requests of clients',
  parsedKiB: 'JSON parsing',
  tls: 'TLS handshakes',
  handshake: 'new sessions',
  request: 'HTTP requests',
  join: 'joins',
  RSA: 'RSA signatures',
  Ed25519: 'Ed25519 signatures',
  secp256k1: 'secp256k1 signatures',
  dial: 'dials'
}

export function Work({ total, rates }: WorkStats) {
  const rows = Object.entries(total)
    .filter(([, time]) => time > 0)
    .toSorted(([, a], [, b]) => b - a)
  if (rows.length === 0) return null
  return (
    <details class="work">
      <summary>CPU except for relaying</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">work</th>
            <th scope="col" class="number">
              ms / s
            </th>
            <th scope="col" class="number">
              total
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([kind, time]) => (
            <tr key={kind} data-kind={kind}>
              <th scope="row">{NAMES[kind] ?? kind}</th>
              <td class="number">{formatCount(rates[kind] ?? 0)}</td>
              <td class="number">{formatDuration(time)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
