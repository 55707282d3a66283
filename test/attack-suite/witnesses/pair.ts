import type { Delays } from './delays.js'

/** Two well-behaved peers, one of which sends the other small messages. */
export interface Pair {
  readonly delays: Delays
  /** Sends one message. */
  beat(): void
}

/** Bytes of a message. */
export const MESSAGE_SIZE = 100

/** What a witness needs to connect. */
export interface Place {
  readonly url: string
  readonly prefix: string
  /** The address it connects from. */
  readonly from: string
  /** Is told that a witness lost its connection. */
  readonly lost: (what: string) => void
}

export function messageOf(number: number): Buffer {
  const message = Buffer.alloc(MESSAGE_SIZE)
  message.writeUInt32BE(number)
  return message
}
