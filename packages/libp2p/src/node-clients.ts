import type { PeerId } from '@libp2p/interface'
import type { StarClient } from '@websocket-star/client'

/** Passes a node's client from its transport, which creates it, to its discovery, which may start first. */
interface ClientSlot {
  client: StarClient | undefined
  waiting: Set<(client: StarClient) => void>
}

const slots = new WeakMap<PeerId, ClientSlot>()

/** Waits for the client of a node's transport. Resolves with undefined if the signal aborts. */
export function waitForClient(peerId: PeerId, signal: AbortSignal): Promise<StarClient | undefined> {
  const { client, waiting } = slotOf(peerId)
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

/** Sets or removes the client of a node's transport. */
export function publishClient(peerId: PeerId, client: StarClient | undefined): void {
  const slot = slotOf(peerId)
  slot.client = client
  if (client === undefined) return
  for (const resolve of slot.waiting) resolve(client)
  slot.waiting.clear()
}

function slotOf(peerId: PeerId): ClientSlot {
  let slot = slots.get(peerId)
  if (slot === undefined) slots.set(peerId, (slot = { client: undefined, waiting: new Set() }))
  return slot
}
