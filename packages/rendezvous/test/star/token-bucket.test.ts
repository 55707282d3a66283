import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from '../../src/star/token-bucket.js'

function takeAll(bucket: TokenBucket, now: number): number {
  let taken = 0
  while (taken < 1000 && bucket.take(now)) taken++
  return taken
}

describe('a token bucket', () => {
  test('gives a burst at once and then nothing', () => {
    const bucket = new TokenBucket(20, 80, 5000)
    expect(takeAll(bucket, 5000)).toBe(80)
    expect(bucket.take(5000)).toBe(false)
  })

  test('gives one more when its time has come, not before', () => {
    const bucket = new TokenBucket(20, 80, 0)
    takeAll(bucket, 0)
    expect(bucket.take(49)).toBe(false)
    expect(bucket.take(50)).toBe(true)
    expect(bucket.take(50)).toBe(false)
  })

  test('what is refused costs nothing', () => {
    const bucket = new TokenBucket(1, 1, 0)
    expect(bucket.take(0)).toBe(true)
    for (let now = 125; now < 1000; now += 125) expect(bucket.take(now)).toBe(false)
    expect(bucket.take(1000)).toBe(true)
  })

  test('holds no more than a burst, however long it rested', () => {
    const bucket = new TokenBucket(20, 80, 0)
    expect(takeAll(bucket, 3_600_000)).toBe(80)
  })

  test('a clock that is set back costs nothing', () => {
    const bucket = new TokenBucket(1, 4, 3_600_000)
    bucket.take(3_600_000)
    expect(takeAll(bucket, 0)).toBe(3)
    expect(bucket.take(1000)).toBe(true)
  })

  test('never gives more than the burst and the rate allow', () => {
    const pauses = fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), pauses, (rate, burst, pauses) => {
        const bucket = new TokenBucket(rate, burst, 0)
        let now = 0
        let taken = 0
        for (const pause of pauses) {
          now += pause
          if (bucket.take(now)) taken++
        }
        expect(taken).toBeLessThanOrEqual(burst + (now * rate) / 1000 + 1e-6)
        expect(taken).toBeGreaterThanOrEqual(Math.min(pauses.length, burst))
      })
    )
  })
})
