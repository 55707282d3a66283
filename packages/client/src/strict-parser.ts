import { Decoder, Encoder } from 'socket.io-parser'

/** CONNECT and DISCONNECT, the packets without data. */
const MAY_BE_EMPTY = /^[01]/
/** The start of data: an object, a list or a text. */
const DATA = /[[{"]/

/** Closes the connection on packets without data, for which socket.io's client throws an exception that nothing catches. */
class StrictDecoder extends Decoder {
  override add(data: unknown): void {
    if (typeof data === 'string' && !MAY_BE_EMPTY.test(data) && !DATA.test(data)) {
      throw new Error('packet without data')
    }
    super.add(data)
  }
}

export const STRICT_PARSER: { Encoder: typeof Encoder; Decoder: typeof StrictDecoder } = {
  Encoder,
  Decoder: StrictDecoder
}
