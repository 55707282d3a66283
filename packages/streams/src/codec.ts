import { InvalidOptionsError } from '@websocket-star/protocol'
import { CodecError } from './errors.js'

/** Turns values into what socket.io carries, and back. */
export interface Codec<T> {
  /** What is sent in place of the value: text, bytes, or anything JSON can say; not null and not undefined. */
  encode(value: T): unknown
  /** @throws anything if what came cannot be a value */
  decode(wire: unknown): T
}

/** The codecs of the old module, by their names there. */
export interface NamedCodecs {
  /** Bytes, as one binary attachment; this is what a star relays. */
  buffer: Uint8Array
  /** Any value, as it is. */
  plain: unknown
  /** Bytes, as text: for sockets that carry no binary. */
  hex: Uint8Array
}

export type CodecName = keyof NamedCodecs

const CODECS: { [Name in CodecName]: Codec<NamedCodecs[Name]> } = {
  buffer: { encode: bytesOf, decode: bytesOf },
  plain: {
    encode: plainOf,
    decode(wire) {
      if (isNothing(wire)) throw new TypeError(`Expected a value, got ${nameOf(wire)}`)
      // A browser gets an ArrayBuffer where Node gets a Buffer.
      return wire instanceof ArrayBuffer ? new Uint8Array(wire) : wire
    }
  },
  hex: { encode: hexOf, decode: fromHex }
}

/** @throws {InvalidOptionsError} for an unknown name */
export function codecOf<T>(codec: CodecName | Codec<T> = 'plain'): Codec<T> {
  if (typeof codec === 'object') return codec
  if (!Object.hasOwn(CODECS, codec)) {
    throw new InvalidOptionsError(
      `codec: expected ${Object.keys(CODECS).join(', ')}, or an object, got ${String(codec)}`
    )
  }
  return CODECS[codec] as Codec<unknown> as Codec<T> // the name says what T is
}

/**
 * What a value costs in a window: bytes of binary, characters of text, characters of the JSON of anything else and the
 * bytes of binary in it. Both sides must come to the same, though what is a Uint8Array at one is a Buffer or an
 * ArrayBuffer at the other.
 *
 * @throws what JSON cannot say: something that holds itself, a BigInt, arrays nested too deep
 */
export function sizeOf(wire: unknown): number {
  if (typeof wire === 'string') return wire.length
  if (isBinary(wire)) return wire.byteLength
  let bytes = 0
  const json = JSON.stringify(wire, function (this: Record<string, unknown>, key: string, value: unknown) {
    // As it was before its toJSON, which a Buffer has.
    const item = this[key]
    if (!isBinary(item)) return value
    bytes += item.byteLength
    return 0
  })
  return bytes + (json?.length ?? 0)
}

/** Encodes, and says whose codec failed if it does. */
export function encodeWith<T>(codec: Codec<T>, stream: string, value: T): { wire: unknown; size: number } {
  let wire: unknown
  let size: number
  try {
    wire = codec.encode(value)
    size = sizeOf(wire)
  } catch (cause) {
    throw new CodecError(stream, 'the codec could not encode a value', { cause })
  }
  if (isNothing(wire)) {
    throw new CodecError(stream, `${nameOf(wire)} cannot be sent: write a value that is not null, undefined or false`)
  }
  return { wire, size }
}

function isBinary(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value)
}

/**
 * The old module takes null, undefined and false for the end of its own, or passes them on to the application. A
 * function is what socket.io makes of a request for an acknowledgement.
 */
function isNothing(wire: unknown): boolean {
  return wire === null || wire === undefined || wire === false || typeof wire === 'function'
}

function nameOf(wire: unknown): string {
  return typeof wire === 'function' ? 'a function' : String(wire)
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  throw new TypeError(`Expected bytes, got ${value === null ? 'null' : typeof value}`)
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytesOf(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new TypeError('Expected text in hex')
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16)
  )
}

/** What the other side will get: both must come to the same size. */
function plainOf(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON cannot say ${value}`)
  if (typeof value !== 'object' || value === null || isBinary(value)) return value
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value
}
