/**
 * What two playgrounds say to each other, over connections of `@websocket-star/client`.
 *
 * A connection carries messages: four bytes with the length (big endian), then JSON in UTF-8, {@link MAX_MESSAGE} bytes at
 * most. There are two kinds, told apart by the first message of the one who dialled:
 *
 * - `{ type: 'talk', version: 1 }`: answered by the same. Then both send `say`, `offer`, `answer`, `stop` and `received`
 *   as they like, for as long as the connection lasts. Two peers may have several; what is said on any of them counts.
 * - `{ type: 'file', id }`: the file of that `offer`, which the other side has accepted. Its bytes follow, as they are, and
 *   the end of the stream. The other direction is closed at once.
 *
 * Each file has a stream of its own, so that one that is held back holds nothing else back.
 */
export type Message =
  | { type: 'talk'; version: 1 }
  | { type: 'file'; id: string }
  /** A line of chat. */
  | { type: 'say'; text: string }
  /** A file that the other side may have: nothing of it is sent before it was accepted. */
  | { type: 'offer'; id: string; name: string; size: number }
  | { type: 'answer'; id: string; accept: boolean }
  /** Either side wants no more of a file, which may be on its way or not. */
  | { type: 'stop'; id: string }
  /** The whole file has arrived. */
  | { type: 'received'; id: string }

/** What the connection of a file is ended with by whoever wants no more of it. */
export const STOPPED = 'No more of this file is wanted'

/** Bytes of one message. */
const MAX_MESSAGE = 65_536
/** Characters of a line of chat: four bytes each at most, and room for what JSON adds. */
export const MAX_TEXT = 8_000
const MAX_NAME = 255
const HEAD = 4

/** What came is no message of a playground. */
class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export function encodeMessage(message: Message): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message))
  const bytes = new Uint8Array(HEAD + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, HEAD)
  return bytes
}

/** Reads messages, and then what follows them as it is. */
export class MessageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>
  #unread = new Uint8Array(0)

  constructor(readable: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = readable.getReader()
  }

  /**
   * @returns undefined at the end of the stream
   * @throws {ProtocolError}
   */
  async next(): Promise<Message | undefined> {
    if (!(await this.#fill(HEAD))) return undefined
    const length = new DataView(this.#unread.buffer, this.#unread.byteOffset).getUint32(0)
    if (length > MAX_MESSAGE) throw new ProtocolError(`A message of ${length} bytes is too long`)
    if (!(await this.#fill(HEAD + length))) return undefined
    const body = this.#unread.subarray(HEAD, HEAD + length)
    this.#unread = this.#unread.subarray(HEAD + length)
    return parseMessage(new TextDecoder().decode(body))
  }

  /** The bytes after the messages, to the end. */
  async *rest(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    if (this.#unread.length > 0) yield this.#unread
    this.#unread = new Uint8Array(0)
    for (;;) {
      const { done, value } = await this.#reader.read()
      if (done) return
      yield value
    }
  }

  /** Whether so many bytes came before the end. */
  async #fill(length: number): Promise<boolean> {
    while (this.#unread.length < length) {
      const { done, value } = await this.#reader.read()
      if (done) return false
      const joined = new Uint8Array(this.#unread.length + value.length)
      joined.set(this.#unread)
      joined.set(value, this.#unread.length)
      this.#unread = joined
    }
    return true
  }
}

/** What another peer sends may be anything. @throws {ProtocolError} */
function parseMessage(text: string): Message {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ProtocolError('A message is no JSON', { cause })
  }
  const message = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const { type, id, text: said, name, size, accept } = message
  const isId = typeof id === 'string' && id.length <= 64
  if (type === 'talk') return { type, version: 1 }
  if (type === 'say' && typeof said === 'string') return { type, text: said.slice(0, MAX_TEXT) }
  if ((type === 'file' || type === 'stop' || type === 'received') && isId) return { type, id }
  if (type === 'answer' && isId && typeof accept === 'boolean') return { type, id, accept }
  if (type === 'offer' && isId && typeof name === 'string' && isSize(size)) {
    return { type, id, name: name.slice(0, MAX_NAME), size }
  }
  throw new ProtocolError('A message is none that a playground knows')
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 // a number, as was just checked
}
