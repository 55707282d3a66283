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
 * | 8 each | `from`, `to`, `sequence`, `acknowledged` |
 * | 1 to 64 | the source's id |
 * | rest | frames, if the type is `frames` |
 *
 * Each envelope has exactly one encoding.
 */
export interface Envelope {
  readonly type: EnvelopeType
  readonly source: string
  /** The sender's number for the link, larger than its earlier ones; 0 in a `reset`, which belongs to no link. */
  readonly from: number
  /** The receiver's number for the link; 0 if the sender does not know that number yet. */
  readonly to: number
  /** In envelopes of type `frames` their own number, from 1; in others the number of the last envelope in flight. */
  readonly sequence: number
  /** Number up to which the sender has received all envelopes. */
  readonly acknowledged: number
}

/**
 * Only envelopes of type `frames` are numbered, and kept until they are acknowledged. `ack` acknowledges; `nack` also requests
 * the envelopes after the acknowledged ones; `probe` requests an `ack`; `bye` ends a link; `reset` rejects an envelope whose link
 * (`to`) is unknown or has ended.
 */
export type EnvelopeType = (typeof TYPES)[number]

export type UnreadableReason = 'malformed' | 'version' | 'source'

const TYPES = ['frames', 'ack', 'nack', 'probe', 'bye', 'reset'] as const
const MAGIC = 0xc7
const VERSION = 2
const NODE_ID = /^[A-Za-z0-9_.-]{1,64}$/

const FROM = 4
const TO = FROM + INTEGER_BYTES
const SEQUENCE = TO + INTEGER_BYTES
const ACKNOWLEDGED = SEQUENCE + INTEGER_BYTES
const SOURCE = ACKNOWLEDGED + INTEGER_BYTES

export function isNodeId(text: string): boolean {
  return NODE_ID.test(text)
}

/** Returns the bytes before the frames in envelopes of a node. */
export function envelopeHeadSize(source: string): number {
  return SOURCE + source.length
}

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

/** Reads an envelope except its frames, which begin at {@link envelopeHeadSize}. */
export function readEnvelopeHead(bytes: Buffer): Envelope | UnreadableReason {
  if (bytes[0] !== MAGIC || bytes[1] !== VERSION) return 'version'
  const type = TYPES[bytes[2] ?? TYPES.length]
  const framesAt = SOURCE + (bytes[3] ?? 0)
  if (type === undefined || bytes.length < framesAt) return 'malformed'
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
  // A sender that does not know the receiver's number has received nothing to acknowledge.
  return to > 0 || (acknowledged === 0 && type !== 'ack' && type !== 'nack')
}
