/**
 * Messages between two playgrounds, over connections of `@websocket-star/client`.
 *
 * A message is four bytes with its length (big endian), then JSON in UTF-8, {@link MAX_MESSAGE} bytes at most. The first message
 * of the dialer gives the kind of a connection:
 *
 * - `{ type: 'talk', version: 1 }`: the other side answers with the same. Then both may send `say`, `offer`, `answer`, `stop` and
 *   `received`. Two peers may have several such connections.
 * - `{ type: 'file', id }`: the bytes of an accepted offer follow, until the end of the stream. The other direction is closed at
 *   once.
 *
 * Each file has a connection of its own, so that a paused file does not delay anything else.
 */
export type Message =
  | { type: 'talk'; version: 1 }
  | { type: 'file'; id: string }
  | { type: 'say'; text: string }
  /** Offers a file, which is sent only after the other side accepted it. */
  | { type: 'offer'; id: string; name: string; size: number }
  | { type: 'answer'; id: string; accept: boolean }
  /** Stops a file, before or during its transfer; either side may send it. */
  | { type: 'stop'; id: string }
  | { type: 'received'; id: string }

/** Reason for aborting the connection of a stopped file. */
export const STOPPED = 'The transfer was stopped'

/** Bytes. */
const MAX_MESSAGE = 65_536
/** Characters of a chat message: in UTF-8 and JSON they fit into {@link MAX_MESSAGE}. */
export const MAX_TEXT = 8_000
const MAX_NAME = 255
const HEAD = 4

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

/** Reads messages, and the raw bytes that follow them. */
export class MessageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>
  #unread = new Uint8Array(0)

  constructor(readable: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = readable.getReader()
  }

  /** Returns the next message, or undefined at the end of the stream. @throws {ProtocolError} */
  async next(): Promise<Message | undefined> {
    if (!(await this.#fill(HEAD))) return undefined
    const length = new DataView(this.#unread.buffer, this.#unread.byteOffset).getUint32(0)
    if (length > MAX_MESSAGE) throw new ProtocolError(`A message of ${length} bytes is too long`)
    if (!(await this.#fill(HEAD + length))) return undefined
    const body = this.#unread.subarray(HEAD, HEAD + length)
    this.#unread = this.#unread.subarray(HEAD + length)
    return parseMessage(new TextDecoder().decode(body))
  }

  /** Yields the bytes after the messages, until the end of the stream. */
  async *rest(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    if (this.#unread.length > 0) yield this.#unread
    this.#unread = new Uint8Array(0)
    for (;;) {
      const { done, value } = await this.#reader.read()
      if (done) return
      yield value
    }
  }

  /** Reads until so many bytes are buffered. @returns false if the stream ends before */
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

/** Parses a message from a stranger. @throws {ProtocolError} */
function parseMessage(text: string): Message {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ProtocolError('A message is not valid JSON', { cause })
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
  throw new ProtocolError('A message has an unknown type or an invalid field')
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 // a number, as was just checked
}
