import { Decoder, Encoder } from 'socket.io-parser'

/** CONNECT and DISCONNECT: the packets that may come without data. */
const MAY_BE_EMPTY = /^[01]/
/** Where data begins: an object, a list, or a text. */
const DATA = /[[{"]/

/**
 * Refuses packets that socket.io's client takes to be whole and fails on: an exception there is nobody's to catch, and ends
 * a Node process. Refused here, a packet ends the connection that it came over.
 */
class StrictDecoder extends Decoder {
  override add(data: unknown): void {
    if (typeof data === 'string' && !MAY_BE_EMPTY.test(data) && !DATA.test(data)) {
      throw new Error('a packet came without data')
    }
    super.add(data)
  }
}

export const STRICT_PARSER: { Encoder: typeof Encoder; Decoder: typeof StrictDecoder } = {
  Encoder,
  Decoder: StrictDecoder
}
