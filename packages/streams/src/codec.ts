import { InvalidOptionsError } from '@websocket-star/protocol'
import { CodecError } from './errors.js'

/** Converts values to what socket.io carries, and back. */
export interface Codec<T> {
  /** Returns text, bytes or any JSON value; never null, undefined, false or a function. */
  encode(value: T): unknown
  /** @throws any error if the input is no valid encoding */
  decode(wire: unknown): T
}

/** The codecs of `socket.io-pull-stream`, under the same names. */
export interface NamedCodecs {
  /** Bytes, as one binary attachment; the only form that a WebSocketStar server relays. */
  buffer: Uint8Array
  plain: unknown
  /** Bytes, as hexadecimal text: for sockets that carry no binary. */
  hex: Uint8Array
}

export type CodecName = keyof NamedCodecs

const CODECS: { [Name in CodecName]: Codec<NamedCodecs[Name]> } = {
  buffer: { encode: toBytes, decode: toBytes },
  plain: {
    encode: toPlain,
    decode(wire) {
      if (isReserved(wire)) throw new TypeError(`Expected a value, got ${nameOf(wire)}`)
      // Browsers receive an ArrayBuffer where Node receives a Buffer.
      return wire instanceof ArrayBuffer ? new Uint8Array(wire) : wire
    }
  },
  hex: { encode: toHex, decode: fromHex }
}

/** @throws {InvalidOptionsError} for an unknown name */
export function resolveCodec<T>(codec: CodecName | Codec<T> = 'plain'): Codec<T> {
  if (typeof codec === 'object') return codec
  if (!Object.hasOwn(CODECS, codec)) {
    throw new InvalidOptionsError(
      `codec: expected ${Object.keys(CODECS).join(', ')}, or an object, got ${String(codec)}`
    )
  }
  return CODECS[codec] as Codec<unknown> as Codec<T> // the name determines T
}

/**
 * Returns the size of an encoded value in a window: bytes of binary, characters of text; for other values, characters of
 * their JSON plus the bytes of binary in them. Both sides have to get the same size, whichever binary type they see.
 *
 * @throws if JSON cannot represent the value: a cycle, a BigInt, arrays nested too deep
 */
export function sizeOf(wire: unknown): number {
  if (typeof wire === 'string') return wire.length
  if (isBinary(wire)) return wire.byteLength
  let bytes = 0
  const json = JSON.stringify(wire, function (this: Record<string, unknown>, key: string, value: unknown) {
    // `value` is already the result of toJSON, which Buffers have; the original is in `this`.
    const item = this[key]
    if (!isBinary(item)) return value
    bytes += item.byteLength
    return 0
  })
  return bytes + (json?.length ?? 0)
}

/** @throws {CodecError} */
export function encodeValue<T>(codec: Codec<T>, stream: string, value: T): { wire: unknown; size: number } {
  let wire: unknown
  let size: number
  try {
    wire = codec.encode(value)
    size = sizeOf(wire)
  } catch (cause) {
    throw new CodecError(stream, 'the codec could not encode a value', { cause })
  }
  if (isReserved(wire)) {
    throw new CodecError(stream, `${nameOf(wire)} cannot be sent: write a value that is not null, undefined or false`)
  }
  return { wire, size }
}

function isBinary(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value)
}

/**
 * Returns whether a value cannot be sent. `socket.io-pull-stream` treats null, undefined and false as the end of a stream or
 * passes them to the application; socket.io delivers a request for an acknowledgement as a function.
 */
function isReserved(wire: unknown): boolean {
  return wire === null || wire === undefined || wire === false || typeof wire === 'function'
}

function nameOf(wire: unknown): string {
  return typeof wire === 'function' ? 'a function' : String(wire)
}

function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  throw new TypeError(`Expected bytes, got ${value === null ? 'null' : typeof value}`)
}

function toHex(bytes: Uint8Array): string {
  return Array.from(toBytes(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(text)) {
    throw new TypeError('Expected hexadecimal text with an even number of digits')
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16)
  )
}

/** Applies `toJSON` before the size is computed: the receiver gets its result. */
function toPlain(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON cannot represent ${value}`)
  if (typeof value !== 'object' || value === null || isBinary(value)) return value
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value
}
