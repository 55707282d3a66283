import fc from 'fast-check'
import {
  envelopeHeadSize,
  readEnvelopeHead,
  writeEnvelopeHead,
  type Envelope
} from '../../../packages/rendezvous/src/cluster/links/envelope.js'
import { frameSize, readFrames, writeFrame } from '../../../packages/rendezvous/src/cluster/links/frame-codec.js'
import { Links, LINKS_DEFAULTS } from '../../../packages/rendezvous/src/cluster/links/links.js'
import type { Frame } from '../../../packages/rendezvous/src/cluster/frames.js'
import { RecordReader, type FeedChange } from '../../../packages/rendezvous/src/cluster/redis/records.js'
import { anyFrame } from '../../../packages/rendezvous/test/cluster/links/frames.js'
import { editedBytes, peerId, starAddress } from './arbitraries.js'
import { defineParser, holds, same } from './parser.js'

const node = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/)
/** Small ones meet the links that there are. */
const number = fc.oneof(fc.nat({ max: 3 }), fc.maxSafeNat())
const envelope = fc.record({
  type: fc.constantFrom(
    'frames' as const,
    'ack' as const,
    'nack' as const,
    'probe' as const,
    'bye' as const,
    'reset' as const
  ),
  source: fc.oneof(fc.constantFrom('a', 'b'), node),
  from: number,
  to: number,
  sequence: number,
  acknowledged: number
})
const written = fc
  .tuple(envelope, fc.array(anyFrame, { maxLength: 4 }))
  .map(([head, frames]) => writeEnvelope(head, head.type === 'frames' ? frames : []))

function writeEnvelope(head: Envelope, frames: readonly Frame[]): Buffer {
  const start = envelopeHeadSize(head.source)
  const bytes = Buffer.alloc(frames.reduce((sum, frame) => sum + frameSize(frame), start))
  writeEnvelopeHead(bytes, head)
  frames.reduce((offset, frame) => writeFrame(bytes, offset, frame), start)
  return bytes
}

const envelopes = defineParser({
  name: 'envelope',
  share: 1_000,
  inputs: editedBytes(written),
  read: (bytes) => {
    const head = readEnvelopeHead(bytes)
    if (typeof head === 'string') return
    const frames = readFrames(bytes, envelopeHeadSize(head.source))
    if (frames !== undefined) same('the envelope, written again', writeEnvelope(head, frames), bytes)
  }
})

const links = defineParser({
  name: 'links',
  share: 100,
  inputs: fc.array(fc.oneof({ arbitrary: written, weight: 4 }, editedBytes(written)), { maxLength: 12 }),
  read: (envelopes) => {
    const faults: unknown[] = []
    const listener = { frame: () => {}, room: () => {}, lost: () => {} }
    const node = new Links('self', LINKS_DEFAULTS, { publish: async () => 1 }, listener, (fault) => faults.push(fault))
    try {
      node.nodes(['self', 'a'])
      for (const bytes of envelopes) node.receive(bytes)
      node.sweep()
    } finally {
      node.stop()
    }
    same('faults', faults, [])
    same('links after the end', node.stats.links, [])
  }
})

const generation = fc.oneof(fc.integer({ min: 1 }), fc.maxSafeNat())
const change = fc.oneof(
  fc
    .record({ key: peerId, node, generation, address: starAddress })
    .map((record): FeedChange => ({ type: 'joined', record })),
  fc.record({ key: peerId, node, generation }).map((left): FeedChange => ({ type: 'left', ...left })),
  node.map((node): FeedChange => ({ type: 'gone', node }))
)
const entry = fc
  .array(change, { maxLength: 4 })
  .map((changes) => Buffer.from(changes.map(writeChange).join('\n'), 'latin1'))

function writeChange(change: FeedChange): string {
  switch (change.type) {
    case 'joined':
      return `+${change.record.key}\t${change.record.node}|${change.record.generation}|${change.record.address}`
    case 'left':
      return `-${change.key}\t${change.node}|${change.generation}`
    case 'gone':
      return `x${change.node}`
  }
}

const records = defineParser({
  name: 'records',
  share: 1_500,
  inputs: editedBytes(entry),
  read: (bytes) => {
    const reader = new RecordReader()
    const lines = bytes.toString('latin1').replace(/\n$/, '').split('\n')
    const changes = reader.changes(bytes)
    for (const [index, change] of changes.entries()) {
      if (change !== undefined) same('the change, written again', writeChange(change), lines[index])
    }
    same(
      'refused are those that were not read',
      reader.refused,
      changes.filter((change) => change === undefined).length
    )
    const [key = '', record = ''] = bytes.toString('latin1').split('\t')
    const read = reader.record(key, Buffer.from(record, 'latin1'))
    if (read !== undefined) same('the record, written again', `${read.node}|${read.generation}|${read.address}`, record)
    holds('what it came with is not kept', read?.key !== '')
  }
})

export const CLUSTER_PARSERS = [envelopes, links, records]
