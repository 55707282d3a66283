import type { Outgoing, Peer } from '../../contenders/libraries/peer.js'
import { Supply } from '../../contenders/libraries/supply.js'

/** How things stand in a peer. */
export interface Progress {
  /** Bytes written, or read and found right. */
  bytes: number
  /** Milliseconds, by a clock of this peer. */
  at: number
}

/** The stream as its sender writes it and its receiver expects it. */
export interface Content {
  readonly pieces: readonly Uint8Array[]
  check(bytes: Uint8Array, offset: number): void
}

/**
 * What the process or the page of a peer does for a trial. Pages load this too: it imports nothing of Node.
 *
 * @param more - what is reported besides
 */
export function peerCommands<More extends object>(
  peer: Peer,
  content: Content,
  more: (outgoing: Outgoing | undefined) => More
) {
  let received = 0
  let receiving: Promise<void> | undefined
  let outgoing: Outgoing | undefined
  let supply: Supply | undefined
  let sending: Promise<void> | undefined
  const report = (): Progress & More => ({
    bytes: supply?.given ?? received,
    at: performance.now(),
    ...more(outgoing)
  })

  return {
    /** Returns what others dial. */
    address: () => peer.address,
    /** Reads what is sent over the connection that will come, and checks it. */
    receive: () => {
      receiving = peer.incoming.then((incoming) =>
        incoming.receive((bytes) => {
          content.check(bytes, received)
          received += bytes.length
        })
      )
    },
    /** Reads no more. */
    pause: async () => (await peer.incoming).pause?.(),
    dial: async (address: string) => {
      outgoing = await peer.dial(address)
    },
    /** Begins to write; no more than so many bytes, if a number is given. */
    send: (limit?: number) => {
      supply = new Supply(content, limit ?? Number.POSITIVE_INFINITY)
      sending = outgoing?.send(supply)
    },
    report,
    /** Writes no more and ends the stream. Returns once all has left. */
    stop: async () => {
      supply?.stop()
      await sending
      return report()
    },
    /** Returns once the sender has ended the stream, and all was read. */
    ended: async () => {
      await receiving
      return report()
    }
  }
}

export type PeerCommands<More extends object = object> = ReturnType<typeof peerCommands<More>>
