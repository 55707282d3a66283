import { INTEGER_BYTES, readInteger, writeInteger } from './integer.js'

/**
 * An envelope is what one node publishes to another:
 *
 * | bytes | what |
 * | --- | --- |
 * | 1 | 0xC7, which no text begins with |
 * | 1 | version, 2 |
 * | 1 | type |
 * | 1 | length of the source's id |
 * | 8 | `from` |
 * | 8 | `to` |
 * | 8 | `sequence` |
 * | 8 | `acknowledged` |
 * | 1 to 64 | the source's id |
 * | rest | frames, if that is its type |
 *
 * There is one way to write each, so what is read and written again is equal.
 */
export interface Envelope {
  readonly type: EnvelopeType
  /** Id of the node that sent it. */
  readonly source: string
  /** Which of the sender's links to this node it belongs to: grows with each. 0 of a `reset`, which belongs to none. */
  readonly from: number
  /** The same of the receiver, as far as the sender has heard of it: else 0. */
  readonly to: number
  /** Of `frames` its own number, from 1; of others the last number that is out. */
  readonly sequence: number
  /** The sender has had all envelopes up to this number. */
  readonly acknowledged: number
}

/**
 * `frames` are numbered and kept until acknowledged. The others are not: `ack` only acknowledges; `nack` asks for all after
 * what it acknowledges; `probe` asks for an `ack`; `bye` ends a link; `reset` says that `to` is not known (any more).
 */
export type EnvelopeType = (typeof TYPES)[number]

/** Why an envelope was not read. */
export type Unreadable = 'malformed' | 'version' | 'source'

const TYPES = ['frames', 'ack', 'nack', 'probe', 'bye', 'reset'] as const
const MAGIC = 0xc7
const VERSION = 2
const NODE_ID = /^[A-Za-z0-9_.-]{1,64}$/

const FROM = 4
const TO = FROM + INTEGER_BYTES
const SEQUENCE = TO + INTEGER_BYTES
const ACKNOWLEDGED = SEQUENCE + INTEGER_BYTES
const SOURCE = ACKNOWLEDGED + INTEGER_BYTES

/** Whether a text may be a node's id. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text)
}

/** Bytes before the frames in envelopes of a node. */
export function envelopeHeadSize(source: string): number {
  return SOURCE + source.length
}

/** Writes all of an envelope but its frames. */
export function writeEnvelopeHead(target: Buffer, envelope: Envelope): void {
  target[0] = MAGIC
  target[1] = VERSION
  target[2] = TYPES.indexOf(envelope.type)
  target[3] = envelope.source.length
  writeInteger(target, FROM, envelope.from)
  writeInteger(target, TO, envelope.to)
  writeInteger(target, SEQUENCE, envelope.sequence)
  writeInteger(target, ACKNOWLEDGED, envelope.acknowledged)
  target.write(envelope.source, SOURCE, 'latin1')
}

/** Reads all of an envelope but its frames, which begin at {@link envelopeHeadSize}. */
export function readEnvelopeHead(bytes: Buffer): Envelope | Unreadable {
  if (bytes[0] !== MAGIC || bytes[1] !== VERSION) return 'version'
  const type = TYPES[bytes[2] ?? TYPES.length]
  const framesAt = SOURCE + (bytes[3] ?? 0)
  if (type === undefined || bytes.length < framesAt) return 'malformed'
  // Numbered envelopes have frames, and only they.
  if ((type === 'frames') !== bytes.length > framesAt) return 'malformed'
  const source = bytes.toString('latin1', SOURCE, framesAt)
  if (!NODE_ID.test(source)) return 'source'
  const from = readInteger(bytes, FROM)
  const to = readInteger(bytes, TO)
  const sequence = readInteger(bytes, SEQUENCE)
  const acknowledged = readInteger(bytes, ACKNOWLEDGED)
  if (from === undefined || to === undefined || sequence === undefined || acknowledged === undefined) return 'malformed'
  const envelope: Envelope = { type, source, from, to, sequence, acknowledged }
  return isSensible(envelope) ? envelope : 'malformed'
}

function isSensible({ type, from, to, sequence, acknowledged }: Envelope): boolean {
  if (type === 'reset') return from === 0 && to > 0 && sequence === 0 && acknowledged === 0
  if (from === 0 || (type === 'frames' && sequence === 0)) return false
  // Who has not heard of the other has nothing to acknowledge.
  return to > 0 || (acknowledged === 0 && type !== 'ack' && type !== 'nack')
}
