import type { PeerId } from '@libp2p/interface'
import type { StarClient } from '@websocket-star/client'

/** A node's client: made by its transport, used by its discovery, whichever comes first. */
interface Shared {
  client: StarClient | undefined
  waiting: Set<(client: StarClient) => void>
}

const clients = new WeakMap<PeerId, Shared>()

/** The client of a node, once its transport has one; undefined if the signal aborts before. */
export function clientsOf(peerId: PeerId, signal: AbortSignal): Promise<StarClient | undefined> {
  const { client, waiting } = sharedOf(peerId)
  if (client !== undefined) return Promise.resolve(client)
  return new Promise((resolve) => {
    waiting.add(resolve)
    signal.addEventListener(
      'abort',
      () => {
        waiting.delete(resolve)
        resolve(undefined)
      },
      { once: true }
    )
  })
}

/** A node's transport has a client, or has none any more. */
export function shareClient(peerId: PeerId, client: StarClient | undefined): void {
  const shared = sharedOf(peerId)
  shared.client = client
  if (client === undefined) return
  for (const resolve of shared.waiting) resolve(client)
  shared.waiting.clear()
}

function sharedOf(peerId: PeerId): Shared {
  let shared = clients.get(peerId)
  if (shared === undefined) clients.set(peerId, (shared = { client: undefined, waiting: new Set() }))
  return shared
}
