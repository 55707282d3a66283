import { formatCount, formatDuration } from '../shared/format.js'
import type { WorkShown } from './use-status.js'

/** The kinds of work that have a price, in plain words. */
const NAMES: Readonly<Record<string, string>> = {
  frame: 'WebSocket pings and fragments',
  packet: 'packets of engine.io',
  stray: 'messages that lead nowhere',
  unfinished: 'unfinished messages',
  event: 'requests of peers',
  parsedKiB: 'JSON to be parsed',
  tls: 'TLS handshakes',
  handshake: 'new sessions',
  request: 'HTTP requests',
  join: 'joins',
  RSA: 'RSA signatures',
  Ed25519: 'Ed25519 signatures',
  secp256k1: 'secp256k1 signatures',
  dial: 'dials'
}

/** What clients cost besides relaying. */
export function Work({ total, rates }: WorkShown) {
  const rows = Object.entries(total)
    .filter(([, time]) => time > 0)
    .toSorted(([, a], [, b]) => b - a)
  if (rows.length === 0) return null
  return (
    <details class="work">
      <summary>CPU besides relaying</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">for</th>
            <th scope="col" class="number">
              ms / s
            </th>
            <th scope="col" class="number">
              in all
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
