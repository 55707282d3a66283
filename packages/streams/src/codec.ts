import { InvalidOptionsError } from '@websocket-star/protocol'
import type { Attachments } from './attachments.js'
import { CodecError } from './errors.js'
import { toWireValue } from './wire-value.js'

/** Converts values to what socket.io carries, and back. */
export interface Codec<T> {
  /** Returns text, bytes, or any JSON value with bytes in it; never null, undefined or false. */
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
    encode: (value) => value,
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
  const whole = binarySize(wire)
  if (whole !== undefined) return whole
  let bytes = 0
  const json = JSON.stringify(wire, function (this: Record<string, unknown>, key: string, value: unknown) {
    // `value` is already the result of toJSON, which Buffers have; the original is in `this`.
    const size = binarySize(this[key])
    if (size === undefined) return value
    bytes += size
    return 0
  })
  return bytes + (json?.length ?? 0)
}

/** @throws {CodecError} */
export function encodeValue<T>(
  codec: Codec<T>,
  stream: string,
  value: T,
  attachments: Attachments
): { wire: unknown; size: number } {
  let wire: unknown
  try {
    wire = codec.encode(value)
    if (wire instanceof Uint8Array) return { wire, size: wire.byteLength }
    if (typeof wire === 'string') return { wire, size: wire.length }
    if (!isReserved(wire)) {
      const { wire: converted, hasBinary } = toWireValue(wire, attachments)
      wire = converted
      if (!isReserved(wire)) return { wire, size: hasBinary ? sizeOf(wire) : JSON.stringify(wire).length }
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CodecError(stream, `the value cannot be sent: ${reason}`, { cause })
  }
  throw new CodecError(stream, `${nameOf(wire)} cannot be sent: write a value that is not null, undefined or false`)
}

function binarySize(value: unknown): number | undefined {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength
  return value instanceof Blob ? value.size : undefined
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
  if (typeof value !== 'object' || value === null) throw new TypeError(`Expected bytes, got ${String(value)}`)
  throw new TypeError("Expected bytes, got an object: does the parser of the other side's socket carry binary?")
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
