import { describe, expect, test } from 'vitest'
import { KEPT_MAX, Slabs } from '../../../src/cluster/links/slabs.js'

describe('slabs', () => {
  test.each([
    [16_384, 17_408],
    [17_408, 17_408],
    [17_409, 33_792],
    [65_536 + 1_024, 66_560],
    [65_536 + 1_025, 82_944],
    [16_777_216, 16_778_240]
  ])('for %i bytes are of %i, and are used again', (size, slabSize) => {
    const slabs = new Slabs()
    const first = slabs.take(size)
    expect([first.length, first.byteOffset, first.buffer.byteLength]).toEqual([size, 0, slabSize])
    slabs.giveBack(first)
    const second = slabs.take(size)
    expect(second.buffer === first.buffer).toBe(slabSize <= KEPT_MAX)
    expect([slabs.keptBytes, slabs.take(size).buffer === first.buffer]).toEqual([0, false])
  })

  test('are not kept of what is small', () => {
    const slabs = new Slabs()
    const small = slabs.take(16_383)
    slabs.giveBack(small)
    expect([small.length, slabs.keptBytes]).toEqual([16_383, 0])
  })

  test('are used again for what is of another length and needs as much', () => {
    const slabs = new Slabs()
    const first = slabs.take(70_000)
    slabs.giveBack(first)
    const second = slabs.take(82_000)
    expect([second.buffer === first.buffer, second.length]).toEqual([true, 82_000])
  })

  test('are kept up to a bound', () => {
    const slabs = new Slabs()
    const taken = Array.from({ length: 100 }, () => slabs.take(65_600))
    for (const one of taken) slabs.giveBack(one)
    expect(slabs.keptBytes).toBeLessThanOrEqual(KEPT_MAX)
    expect(slabs.keptBytes).toBeGreaterThan(KEPT_MAX - 66_560)
    const again = Array.from({ length: 100 }, () => slabs.take(65_600))
    const known = new Set(taken.map(({ buffer }) => buffer))
    expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(Math.floor(KEPT_MAX / 66_560))
    expect(slabs.keptBytes).toBe(0)
  })

  test('are not given up for one that cannot be kept', () => {
    const slabs = new Slabs()
    const [one, large] = [slabs.take(65_600), slabs.take(KEPT_MAX + 1)]
    slabs.giveBack(one)
    slabs.giveBack(large)
    expect(slabs.take(65_600).buffer).toBe(one.buffer)
  })

  test('make room for those that are in use now', () => {
    const slabs = new Slabs()
    const earlier = Array.from({ length: 300 }, () => slabs.take(17_000))
    for (const one of earlier) slabs.giveBack(one)
    const one = slabs.take(65_600)
    slabs.giveBack(one)
    expect(slabs.take(65_600).buffer).toBe(one.buffer)
    expect(slabs.keptBytes).toBeLessThanOrEqual(KEPT_MAX)
  })
})
