import type { SessionAccount } from '../budget/session-account.js'
import { cutPayload, type Payload } from '../codec/payload.js'
import { PacedInput, type InputContext } from './paced-input.js'

/** Packets in one piece of input, and units of work in each. */
const PACKETS = 64
const PACKET_UNITS = 4
/** Characters per unit of work. */
const TEXT_UNIT = 256

/** Request body of a polling client, which may hold many packets. */
export class PayloadInput extends PacedInput {
  readonly #protocol: 3 | 4
  /** Decodes the packets in a part of a payload. */
  decode: (part: Payload) => void = () => {}
  /** Called when the payload has been processed. */
  onIdle: () => void = () => {}
  #payload: Payload | undefined
  #at = 0
  #onDone: (() => void) | undefined

  constructor(protocol: 3 | 4, account: SessionAccount, context: InputContext) {
    super(account, context)
    this.#protocol = protocol
  }

  override get hasUnprocessedInput(): boolean {
    return this.#payload !== undefined
  }

  override discard(): void {
    if (this.#payload !== undefined) this.#finish()
  }

  /** @param defer - called if packets remain to be processed. Returns a function that sends the response, called after them */
  receive(payload: Payload, defer: () => () => void): void {
    this.#payload = payload
    this.#at = 0
    this.setReceived(payload.length)
    this.run()
    if (this.hasUnprocessedInput) this.#onDone = defer()
  }

  /** Always false, because engine.io reads the next request. */
  protected override get isReadable(): boolean {
    return false
  }

  protected override read(): void {}

  protected override step(): number {
    const payload = this.#payload
    if (payload === undefined) return 0
    const { part, next } = cutPayload(payload, this.#at, PACKETS, this.#protocol)
    this.#at = next
    this.decode(part)
    // The last packets may have ended the session.
    if (this.#payload === payload && next >= payload.length) this.#finish()
    return PACKETS * PACKET_UNITS + part.length / TEXT_UNIT
  }

  #finish(): void {
    this.#payload = undefined
    this.setReceived(0)
    this.#onDone?.()
    this.#onDone = undefined
    this.onIdle()
  }
}
