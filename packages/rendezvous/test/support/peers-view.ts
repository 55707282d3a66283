/** What a client knows that follows its `ss-peers` events. */
export interface PeersView {
  readonly peers: ReadonlySet<string>
  /** Addresses in each message, whether it began a full list, and whether more of that follows. */
  readonly messages: readonly { joined: string[]; left: string[]; full?: true; more?: boolean }[]
}

const HEAD = '2["ss-peers",'

/**
 * Follows the events among what a session was sent.
 *
 * @throws if the client is told of somebody it knows, or that somebody left whom it did not know
 */
export function viewOf(texts: readonly unknown[], { strict = true } = {}): PeersView {
  const peers = new Set<string>()
  const messages = texts
    .map(String)
    .filter((text) => text.startsWith(HEAD))
    .map((text) => (JSON.parse(text.slice(1)) as [string, PeersView['messages'][number]])[1])
  for (const { joined, left, full } of messages) {
    if (full === true) peers.clear()
    for (const address of joined) {
      if (strict && peers.has(address)) throw new Error(`${address} was told twice`)
      peers.add(address)
    }
    for (const address of left) {
      if (!peers.delete(address) && strict) throw new Error(`${address} left who was not there`)
    }
  }
  return { peers, messages }
}
