import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from '../../src/pacing/token-bucket.js'

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

  test('a refused take costs nothing', () => {
    const bucket = new TokenBucket(1, 1, 0)
    expect(bucket.take(0)).toBe(true)
    for (let now = 125; now < 1000; now += 125) expect(bucket.take(now)).toBe(false)
    expect(bucket.take(1000)).toBe(true)
  })

  test('holds at most a burst, however long it is idle', () => {
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

  test('gives several at once, or none of them', () => {
    const bucket = new TokenBucket(10, 100, 0)
    expect(bucket.take(0, 60)).toBe(true)
    expect(bucket.take(0, 41)).toBe(false)
    expect(bucket.left(0)).toBe(40)
    expect(bucket.take(0, 40)).toBe(true)
    expect(bucket.left(0)).toBe(0)
    expect(bucket.take(4_990, 50)).toBe(false)
    expect(bucket.take(5_000, 50)).toBe(true)
  })

  test('tells how many tokens are left, which costs nothing', () => {
    const bucket = new TokenBucket(8, 100, 0)
    bucket.take(0, 100)
    for (let now = 0; now <= 12_500; now += 125) expect(bucket.left(now)).toBe(now / 125)
    expect(bucket.left(60_000)).toBe(100)
  })

  test('a debt is paid off first', () => {
    const bucket = new TokenBucket(8, 100, 0)
    bucket.spend(0, 148)
    expect(bucket.left(0)).toBe(-48)
    expect(bucket.take(5_875, 0)).toBe(false)
    expect(bucket.left(6_000)).toBe(0)
    expect(bucket.take(6_000)).toBe(false)
    expect(bucket.take(6_125)).toBe(true)
    bucket.spend(6_125, 8)
    expect([bucket.left(6_125), bucket.left(7_125)]).toEqual([-8, 0])
  })

  test('is full without debt once it has been refilled', () => {
    const bucket = new TokenBucket(8, 96, 0)
    expect(bucket.isFull(0)).toBe(true)
    bucket.spend(0, 120)
    expect([bucket.isFull(14_875), bucket.isFull(15_000)]).toEqual([false, true])
    // isFull does not refill the bucket.
    expect(bucket.left(0)).toBe(-24)
  })

  test('gives at most the rate, a burst and one debt', () => {
    const steps = fc.array(
      fc.record({ pause: fc.nat({ max: 3_000 }), count: fc.nat({ max: 80 }), mayOverspend: fc.boolean() }),
      { maxLength: 60 }
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100 }), steps, (rate, burst, steps) => {
        const bucket = new TokenBucket(rate, burst, 0)
        let [now, given] = [0, 0]
        for (const { pause, count, mayOverspend } of steps) {
          now += pause
          if (mayOverspend && bucket.left(now) > 0) bucket.spend(now, count)
          else if (mayOverspend || !bucket.take(now, count)) continue
          given += count
          expect(given).toBeLessThanOrEqual(burst + (now * rate) / 1000 + 80)
          expect(bucket.left(now)).toBeLessThanOrEqual(burst)
        }
      })
    )
  })
})
