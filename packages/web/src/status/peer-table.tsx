import { useState } from 'preact/hooks'
import type { ListedPeer, ListedStream } from '../../../rendezvous/src/http/status-messages.js'
import { formatBytes, formatCount } from '../shared/format.js'
import { nameOf, shortId } from '../shared/peer-name.js'
import type { StreamRates } from './stream-rates.js'

export interface PeerTableProps {
  peers: readonly ListedPeer[]
  rates: StreamRates
  onDisconnect: (peer: ListedPeer) => void
}

export function PeerTable({ peers, rates, onDisconnect }: PeerTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (id: string): void =>
    setOpen(new Set(open.has(id) ? [...open].filter((other) => other !== id) : [...open, id]))
  const total = (peer: ListedPeer, direction: ListedStream['direction']): number =>
    peer.streams
      .filter((stream) => stream.direction === direction)
      .reduce((sum, stream) => sum + rates.of(peer.id, stream), 0)
  return (
    <div class="scroll" role="region" aria-label="Peers" tabIndex={0}>
      <table class="peers">
        <thead>
          <tr>
            <th scope="col">peer</th>
            <th scope="col">address</th>
            <th scope="col" class="number">
              sent / s
            </th>
            <th scope="col" class="number">
              received / s
            </th>
            <th scope="col" class="number">
              queued
            </th>
            <th scope="col" class="number">
              streams
            </th>
            <th scope="col">
              <span class="visually-hidden">actions</span>
            </th>
          </tr>
        </thead>
        {peers.map((peer) => (
          <tbody key={peer.id}>
            <tr>
              <th scope="row" title={peer.address}>
                <span class="mono">{peer.id}</span> <span class="label">{nameOf(peer.id)}</span>
                {!peer.isNew && peer.node === undefined && <span class="tag">legacy</span>}
              </th>
              <td class="mono">{peer.node === undefined ? peer.ips.join(' ') : `node ${peer.node}`}</td>
              <Bytes value={total(peer, 'out')} />
              <Bytes value={total(peer, 'in')} />
              <Bytes value={peer.buffered} />
              <td class="number">
                {peer.streamCount === 0 ? (
                  <span class="soft">–</span>
                ) : (
                  <button
                    type="button"
                    class="quiet"
                    aria-expanded={open.has(peer.id)}
                    aria-label={`${peer.streamCount} streams of ${shortId(peer.id)}`}
                    onClick={() => toggle(peer.id)}
                  >
                    {formatCount(peer.streamCount)}
                  </button>
                )}
              </td>
              <td class="number">
                {peer.ips.length > 0 && (
                  <button
                    type="button"
                    class="quiet danger"
                    aria-label={`Disconnect ${shortId(peer.id)}`}
                    onClick={() => onDisconnect(peer)}
                  >
                    Disconnect
                  </button>
                )}
              </td>
            </tr>
            {open.has(peer.id) &&
              peer.streams.map((stream) => (
                <tr key={`${stream.id} ${stream.direction}`} class="stream">
                  <td colSpan={2}>
                    {stream.direction === 'out' ? 'to' : 'from'}{' '}
                    <span class="mono">{stream.remote ?? 'a peer on another node'}</span>
                  </td>
                  <td class="number" colSpan={2}>
                    {formatBytes(rates.of(peer.id, stream))}/s, {formatBytes(stream.bytes)} in total
                  </td>
                  <td colSpan={3}>
                    <span data-tone={stream.state === 'paused' ? 'paused' : ''}>{stream.state}</span>
                  </td>
                </tr>
              ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}

function Bytes({ value }: { value: number }) {
  return <td class="number">{value < 0.5 ? <span class="soft">–</span> : formatBytes(value)}</td>
}
