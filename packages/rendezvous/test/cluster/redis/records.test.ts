import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordReader } from '../../../src/cluster/redis/records.js'
import type { PeerRecord } from '../../../src/registry/claim.js'
import { keyOf } from '../conformance/test-node.js'

const record: fc.Arbitrary<PeerRecord> = fc.record({
  key: fc.oneof(fc.nat(1_000_000).map(keyOf), fc.stringMatching(/^\/[ -~]{0,200}$/)),
  node: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
  generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  address: fc.stringMatching(/^\/[ -~]{0,200}$/)
})

function valueOf({ node, generation, address }: PeerRecord): string {
  return `${node}|${generation}|${address}`
}

test('a record is parsed as it was written', () => {
  const reader = new RecordReader()
  fc.assert(
    fc.property(record, (written) => {
      expect(reader.record(written.key, Buffer.from(valueOf(written)))).toEqual(written)
      const line = Buffer.from(
        `+${written.key}\t${valueOf(written)}\n-${written.key}\t${written.node}|${written.generation}`
      )
      const { key, node, generation } = written
      expect(reader.changes(line)).toEqual([
        { type: 'joined', record: written },
        { type: 'left', key, node, generation }
      ])
    })
  )
  expect(reader.refused).toBe(0)
})

test('every parsed record is well-formed, or refused and counted', () => {
  const reader = new RecordReader()
  const spoilt = fc.tuple(record, fc.nat(), fc.uint8Array({ maxLength: 3 })).map(([written, at, bytes]) => {
    const line = Buffer.from(`+${written.key}\t${valueOf(written)}`)
    return Buffer.concat([line.subarray(0, at % line.length), bytes, line.subarray((at % line.length) + bytes.length)])
  })
  const anything = fc.oneof(
    spoilt,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  )
  fc.assert(
    fc.property(anything, (bytes) => {
      const before = reader.refused
      const changes = reader.changes(bytes)
      expect(reader.refused - before).toBe(changes.filter((change) => change === undefined).length)
      for (const change of changes) {
        if (change?.type !== 'joined') continue
        expect(reader.record(change.record.key, Buffer.from(valueOf(change.record)))).toEqual(change.record)
      }
    }),
    { numRuns: 1_000 }
  )
})
