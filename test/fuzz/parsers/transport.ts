import { fragmentedFrames, maskedFrame } from '@websocket-star/testkit'
import fc from 'fast-check'
import { FrameScanner } from '../../../packages/rendezvous/src/codec/frame-scanner.js'
import { cutPayload, type Payload } from '../../../packages/rendezvous/src/codec/payload.js'
import { edited, editedBytes } from './arbitraries.js'
import { defineParser, holds, same } from './parser.js'

const size = fc.oneof({ arbitrary: fc.nat({ max: 200 }), weight: 99 }, fc.constantFrom(65_535, 65_536, 70_000))
const whole = fc
  .tuple(fc.constantFrom(1, 1, 2, 8, 9, 10, 3, 11), size)
  .map(([opcode, size]) => [maskedFrame(opcode, Buffer.alloc(size, 0x61))])
const fragmented = fc
  .tuple(fc.constantFrom(1, 2), fc.nat({ max: 300 }), fc.integer({ min: 1, max: 200 }))
  .map(([opcode, size, piece]) => fragmentedFrames(opcode, Buffer.alloc(size, 0x62), piece))
const frames = fc
  .array(fc.oneof({ arbitrary: whole, weight: 2 }, fragmented), { maxLength: 6 })
  .map((all) => all.flat())
/** Where one read ends and the next begins. */
const reads = fc.array(fc.nat({ max: 600 }), { maxLength: 5 })
const work = fc.integer({ min: 1, max: 100 })

function* readsOf(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  let at = 0
  for (const length of lengths) {
    // Nothing is read once all has been.
    if (at + length >= bytes.length) break
    if (length > 0) yield bytes.subarray(at, at + length)
    at += length
  }
  if (at < bytes.length) yield bytes.subarray(at)
}

/** Scans bytes as they are read. @returns the ends of all pieces, and the scanner */
function scan(bytes: Buffer, lengths: readonly number[], maxUnits: number) {
  const scanner = new FrameScanner()
  const ends: number[] = []
  let [before, controls] = [0, 0]
  for (const read of readsOf(bytes, lengths)) {
    for (let at = 0; at < read.length;) {
      const next = scanner.scan(read, at, maxUnits)
      holds('it goes on, and not too far', next > at && next <= read.length)
      holds('work and memory are numbers', scanner.units >= 0 && scanner.pendingBytes >= 0)
      controls += scanner.controls
      at = next
      if (at < read.length) ends.push(before + at)
    }
    before += read.length
  }
  return { scanner, ends, controls }
}

const frameScanner = defineParser({
  name: 'frame-scanner',
  share: 600,
  inputs: fc.tuple(frames, reads, work),
  read: ([frames, lengths, maxUnits]) => {
    const bytes = Buffer.concat(frames)
    const starts = new Set<number>()
    for (let at = 0, index = 0; index < frames.length; index++) starts.add((at += frames[index]?.length ?? 0))
    const { scanner, ends, controls } = scan(bytes, lengths, maxUnits)
    holds(
      'pieces end where frames do',
      ends.every((end) => starts.has(end))
    )
    same('control frames', controls, frames.filter(([first = 0]) => (first & 0x0f) >= 8).length)
    same('bytes kept of whole messages', scanner.pendingBytes, 0)
  }
})

const damagedFrames = defineParser({
  name: 'damaged-frames',
  share: 600,
  inputs: fc.tuple(editedBytes(frames.map((all) => Buffer.concat(all))), reads, work),
  read: ([bytes, lengths, maxUnits]) => {
    const { scanner, ends, controls } = scan(bytes, lengths, maxUnits)
    const inOne = scan(bytes, [], maxUnits)
    same('bytes of memory, however they are read', scanner.pendingBytes > 0, inOne.scanner.pendingBytes > 0)
    same('control frames, however they are read', controls, inOne.controls)
    holds('there are no more pieces than bytes', ends.length <= bytes.length)
  }
})

const packet = fc.oneof(
  fc.constantFrom('2', '40', '42["x"]', 'bAA==', ''),
  fc.string({ unit: 'binary', maxLength: 12 })
)
const textPayload = fc
  .array(packet, { maxLength: 8 })
  .chain((packets) =>
    fc.constantFrom(packets.join('\u001e'), packets.map((packet) => `${packet.length}:${packet}`).join(''))
  )
const binaryPayload = fc
  .array(fc.uint8Array({ maxLength: 12 }), { maxLength: 6 })
  .map((packets) =>
    Buffer.concat(packets.map((packet) => Buffer.from([1, ...[...String(packet.length)].map(Number), 255, ...packet])))
  )

const payload = defineParser({
  name: 'payload',
  share: 1_000,
  inputs: fc.tuple(
    fc.oneof<fc.Arbitrary<Payload>[]>(textPayload, edited(textPayload), binaryPayload, editedBytes(binaryPayload)),
    fc.integer({ min: 1, max: 5 }),
    fc.constantFrom(3 as const, 4 as const)
  ),
  read: ([payload, count, protocol]) => {
    const parts: Payload[] = []
    for (let at = 0; at < payload.length;) {
      const { part, next } = cutPayload(payload, at, count, protocol)
      holds('it goes on', next > at)
      parts.push(part)
      at = next
    }
    if (typeof payload !== 'string') return same('all parts', Buffer.concat(parts as Buffer[]), payload) // parts are of its type
    same('all parts', parts.join(protocol === 4 ? '\u001e' : ''), payload)
  }
})

export const TRANSPORT_PARSERS = [frameScanner, damagedFrames, payload]
