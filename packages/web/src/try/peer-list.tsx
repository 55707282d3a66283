import { useState } from 'preact/hooks'
import { nameOf, shortId } from '../shared/peer-name.js'
import { PeerMark } from './peer-mark.js'
import type { Playground } from './playground.js'

export interface PeerListProps {
  playground: Playground
  selected: string | undefined
  onSelect: (peerId: string) => void
}

/** Peers listed; a search finds the others. */
const MAX_LISTED = 100
/** Peers from which on there is a search field. */
const SEARCH_FROM = 12

export function PeerList({ playground, selected, onSelect }: PeerListProps) {
  const [find, setFind] = useState('')
  const { client, conversations } = playground
  const ids = [...new Set([...conversations.keys(), ...Array.from(client.peers, ({ id }) => id)])]
  const fitting = ids.filter((id) => find === '' || `${nameOf(id)} ${id}`.toLowerCase().includes(find.toLowerCase()))
  const listed = fitting.slice(0, MAX_LISTED)
  return (
    <section class="others" aria-labelledby="others">
      <h2 id="others">
        Peers online <data value={client.peers.size}>{client.peers.size}</data>
      </h2>
      {ids.length >= SEARCH_FROM && (
        <input
          type="search"
          aria-label="Find a peer"
          placeholder="Find a peer"
          value={find}
          onInput={({ currentTarget }) => setFind(currentTarget.value)}
        />
      )}
      <ul>
        {listed.map((id) => {
          const unread = id === selected ? 0 : (conversations.get(id)?.unread ?? 0)
          return (
            <li key={id}>
              <button
                type="button"
                class="peer"
                data-peer={id}
                data-online={client.peers.has(id) ? '' : undefined}
                aria-current={id === selected ? 'true' : undefined}
                onClick={() => onSelect(id)}
              >
                <PeerMark peerId={id} />
                <span>{nameOf(id)}</span>
                <span class="mono soft">{client.peers.has(id) ? shortId(id) : 'offline'}</span>
                {unread > 0 && (
                  <span class="unread">
                    {unread}
                    <span class="visually-hidden"> unread</span>
                  </span>
                )}
              </button>
            </li>
          )
        })}
      </ul>
      {fitting.length > listed.length && <p class="label">and {fitting.length - listed.length} more</p>}
    </section>
  )
}
