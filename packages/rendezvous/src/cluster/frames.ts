/** Which of a link's dials a frame belongs to. */
export interface DialRef {
  /** Chosen by the node that opened the dial; unique among those it opened on this link, 0 to 2³² − 1. */
  readonly channel: number
  /** Whether the node that sends the frame opened it. */
  readonly isOpener: boolean
}

/**
 * What nodes tell each other. A dial across nodes has one channel, and two halves: chunks of a node's own client go out in
 * `data`; `accept` and `credit` are what its client says to the other half.
 */
export type Frame =
  /** Asks the other node's client for a dial; the half of the dialler is open from now on. Channel of the sender. */
  | {
      readonly type: 'open'
      readonly channel: number
      readonly dialId: string
      /** The dialler's address, canonical. */
      readonly from: string
      /** The dialled address, canonical. */
      readonly to: string
      /** The dialler knows windows and credit. */
      readonly isExtended: boolean
      /** The network that the dialler connects from; undefined for one to which no limit of networks applies. */
      readonly network: string | undefined
    }
  /** The dialled client has taken the dial, or the dial is over: `error` says why. Channel of the receiver. */
  | {
      readonly type: 'opened'
      readonly channel: number
      readonly isExtended: boolean
      readonly error: string | undefined
    }
  /** The client is ready, with a window of so many payload bytes if it told one. */
  | ({ readonly type: 'accept'; readonly window: number | undefined } & DialRef)
  /** A chunk. */
  | ({ readonly type: 'data'; readonly bytes: Buffer } & DialRef)
  /** The client takes so many payload bytes more. */
  | ({ readonly type: 'credit'; readonly bytes: number } & DialRef)
  /** The node takes so many payload bytes more: they have left for its client, or its window has grown. */
  | ({ readonly type: 'grant'; readonly bytes: number } & DialRef)
  /** The end of the half that the sender's client sends on, or of the one it receives; `true` if nothing went wrong. */
  | ({ readonly type: 'end'; readonly half: 'sent' | 'received'; readonly reason: true | string } & DialRef)
  /** Asks whether a client that holds a peer is there. */
  | { readonly type: 'probe'; readonly id: number; readonly key: string }
  | { readonly type: 'probed'; readonly id: number; readonly isAlive: boolean }
