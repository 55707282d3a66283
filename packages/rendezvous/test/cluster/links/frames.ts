import fc from 'fast-check'
import type { Frame } from '../../../src/cluster/frames.js'

const channel = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const count = fc.maxSafeNat()
const ref = { channel, isOpener: fc.boolean() }
const dialId = fc.stringMatching(/^[A-Za-z0-9_~.:-]{1,128}$/)
const address = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).map((text) => `/${text}`)
const reason = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.constant('x'.repeat(256)))
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))

export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    type: fc.constant('open' as const),
    channel,
    dialId,
    from: address,
    to: address,
    isExtended: fc.boolean(),
    network: fc.option(fc.ipV4(), { nil: undefined })
  }),
  fc.record({
    type: fc.constant('opened' as const),
    channel,
    isExtended: fc.boolean(),
    error: fc.option(reason, { nil: undefined })
  }),
  fc.record({ type: fc.constant('accept' as const), ...ref, window: fc.option(count, { nil: undefined }) }),
  fc.record({ type: fc.constant('data' as const), ...ref, bytes }),
  fc.record({ type: fc.constantFrom('credit' as const, 'grant' as const), ...ref, bytes: count }),
  fc.record({
    type: fc.constant('end' as const),
    ...ref,
    half: fc.constantFrom('sent' as const, 'received' as const),
    reason: fc.oneof(fc.constant(true as const), reason)
  }),
  fc.record({ type: fc.constant('probe' as const), id: count, key: address }),
  fc.record({ type: fc.constant('probed' as const), id: count, isAlive: fc.boolean() })
)
