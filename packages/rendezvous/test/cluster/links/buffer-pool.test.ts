import { describe, expect, test } from 'vitest'
import { KEPT_MAX, BufferPool } from '../../../src/cluster/links/buffer-pool.js'

describe('a buffer pool', () => {
  test.each([
    [16_384, 17_408],
    [17_408, 17_408],
    [17_409, 33_792],
    [65_536 + 1_024, 66_560],
    [65_536 + 1_025, 82_944],
    [16_777_216, 16_778_240]
  ])('reuses a buffer for %i bytes, of %i', (size, pooledSize) => {
    const pool = new BufferPool()
    const first = pool.acquire(size)
    expect([first.length, first.byteOffset, first.buffer.byteLength]).toEqual([size, 0, pooledSize])
    pool.release(first)
    const second = pool.acquire(size)
    expect(second.buffer === first.buffer).toBe(pooledSize <= KEPT_MAX)
    expect([pool.keptBytes, pool.acquire(size).buffer === first.buffer]).toEqual([0, false])
  })

  test('keeps no small buffers', () => {
    const pool = new BufferPool()
    const small = pool.acquire(16_383)
    pool.release(small)
    expect([small.length, pool.keptBytes]).toEqual([16_383, 0])
  })

  test('reuses a buffer for another length of the same size class', () => {
    const pool = new BufferPool()
    const first = pool.acquire(70_000)
    pool.release(first)
    const second = pool.acquire(82_000)
    expect([second.buffer === first.buffer, second.length]).toEqual([true, 82_000])
  })

  test('keeps a limited number of bytes', () => {
    const pool = new BufferPool()
    const taken = Array.from({ length: 100 }, () => pool.acquire(65_600))
    for (const one of taken) pool.release(one)
    expect(pool.keptBytes).toBeLessThanOrEqual(KEPT_MAX)
    expect(pool.keptBytes).toBeGreaterThan(KEPT_MAX - 66_560)
    const again = Array.from({ length: 100 }, () => pool.acquire(65_600))
    const known = new Set(taken.map(({ buffer }) => buffer))
    expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(Math.floor(KEPT_MAX / 66_560))
    expect(pool.keptBytes).toBe(0)
  })

  test('keeps its buffers when a returned one is too large to keep', () => {
    const pool = new BufferPool()
    const [one, large] = [pool.acquire(65_600), pool.acquire(KEPT_MAX + 1)]
    pool.release(one)
    pool.release(large)
    expect(pool.acquire(65_600).buffer).toBe(one.buffer)
  })

  test('makes room for the sizes in use now', () => {
    const pool = new BufferPool()
    const earlier = Array.from({ length: 300 }, () => pool.acquire(17_000))
    for (const one of earlier) pool.release(one)
    const one = pool.acquire(65_600)
    pool.release(one)
    expect(pool.acquire(65_600).buffer).toBe(one.buffer)
    expect(pool.keptBytes).toBeLessThanOrEqual(KEPT_MAX)
  })
})
