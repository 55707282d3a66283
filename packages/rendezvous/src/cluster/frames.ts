/** Identifies a channel of a link. */
export interface ChannelRef {
  /** Number chosen by the node that opened the channel, unique among those it opened on this link; 0 to 2³² − 1. */
  readonly channel: number
  /** Whether the sender of the frame opened the channel. */
  readonly isOpener: boolean
}

/**
 * A message between nodes. A connection across nodes has one channel for both halves. A node sends the chunks of its own client
 * as `data`, and that client's messages about the other half as `accept` and `credit`.
 */
export type Frame =
  /** Dials a client of the receiving node, and opens the dialer's half. The sender of this frame chooses the channel's number. */
  | {
      readonly type: 'open'
      readonly channel: number
      readonly dialId: string
      /** The dialer's address, canonical as is `to`. */
      readonly from: string
      readonly to: string
      /** Whether the dialer knows windows and credit. */
      readonly isExtended: boolean
      /** Network that the dialer connects from; undefined if limits per network do not apply to it. */
      readonly network: string | undefined
    }
  /** Answers `open`; `error` is the reason if the dial is refused. The receiver of this frame chose the channel's number. */
  | {
      readonly type: 'opened'
      readonly channel: number
      readonly isExtended: boolean
      readonly error: string | undefined
    }
  /** The client accepts the half that it receives. `window` is in payload bytes; undefined for legacy clients. */
  | ({ readonly type: 'accept'; readonly window: number | undefined } & ChannelRef)
  | ({ readonly type: 'data'; readonly bytes: Buffer } & ChannelRef)
  /** The client grants payload bytes. */
  | ({ readonly type: 'credit'; readonly bytes: number } & ChannelRef)
  /** The node grants bytes of the channel's window, as counted by `chunkCost`. */
  | ({ readonly type: 'grant'; readonly bytes: number } & ChannelRef)
  /** Ends the half that the sending node's client sends or receives. The reason is `true` for a normal end. */
  | ({ readonly type: 'end'; readonly half: 'sent' | 'received'; readonly reason: true | string } & ChannelRef)
  /** Asks whether a client that owns a peer responds. */
  | { readonly type: 'probe'; readonly id: number; readonly key: string }
  | { readonly type: 'probed'; readonly id: number; readonly isAlive: boolean }
