import type { Session } from '../wire/session.js'

/** One half of a dial: a stream of chunks from its sender to its receiver. */
export interface Proxy {
  /** `<dial id>.dialer` or `<dial id>.listener`: the name on the wire. */
  readonly stream: string
  readonly sender: Session
  readonly receiver: Session
  /** Milliseconds since the epoch. */
  readonly openedAt: number
  /** The receiver has said that it is ready. */
  accepted: boolean
  ended: boolean
  /** Why it was reset, if it was. */
  failure: string | undefined
  /** The other half of the same dial, once there is one. */
  partner: Proxy | undefined
}
