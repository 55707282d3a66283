import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { anyStep, Model } from './model.js'
import { fakeTime } from './network.js'

beforeEach(fakeTime)
afterEach(() => {
  vi.useRealTimers()
})

describe('links over a carrier that loses, duplicates, stalls and rejects', () => {
  test('deliver each frame once and in order, or are lost at both ends', async () => {
    let lost = 0
    let again = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const model = new Model()
        for (const step of steps) await model.do(step)
        await model.heal()
        const { a } = model.senders
        lost += a.node.lost.length
        again += a.node.links.stats.retransmits
      }),
      { numRuns: 300 }
    )
    // Otherwise the model tried too little.
    expect(lost).toBeGreaterThan(20)
    expect(again).toBeGreaterThan(100)
  })
})
