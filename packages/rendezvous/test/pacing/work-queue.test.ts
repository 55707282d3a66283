import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WorkQueue } from '../../src/pacing/work-queue.js'

/** WorkQueue with a clock that its tasks advance. */
class Setup {
  now = 1_000
  readonly workQueue: WorkQueue
  /** Tasks that have run, in order. */
  readonly done: string[] = []

  constructor(capacity = 100) {
    this.workQueue = new WorkQueue(capacity, () => this.now)
  }

  /** Submits a task that lasts `lasts` milliseconds. */
  submit(name: string, lasts = 0): boolean {
    return this.workQueue.submit(() => {
      this.done.push(name)
      this.now += lasts
    })
  }

  /** Waits until the queue is empty. */
  async end(): Promise<void> {
    while (this.workQueue.size > 0) await turn()
  }
}

/** Milliseconds of a task that exceeds a slice. */
const LONG = 10

describe('turns', () => {
  test('tasks run immediately within a slice', () => {
    const setup = new Setup()
    for (const name of ['a', 'b', 'c']) {
      expect(setup.submit(name, 1)).toBe(true)
      expect(setup.done.at(-1)).toBe(name)
    }
    expect(setup.workQueue.size).toBe(0)
  })

  test('tasks after a long one are queued, and run in order in the next iteration', async () => {
    const setup = new Setup()
    for (const name of ['a', 'b', 'c']) expect(setup.submit(name, name === 'a' ? LONG : 0)).toBe(true)
    expect([setup.workQueue.size, setup.done]).toEqual([2, ['a']])
    await setup.end()
    expect(setup.done).toEqual(['a', 'b', 'c'])
    setup.submit('d')
    expect(setup.done.at(-1)).toBe('d')
  })

  test('other work runs between slices', async () => {
    const setup = new Setup()
    for (let index = 0; index < 12; index++) setup.submit(`${index}`, 2)
    /** Tasks that had run when other work got the event loop. */
    const seen: number[] = []
    while (setup.workQueue.size > 0) {
      seen.push(setup.done.length)
      await turn()
    }
    expect(setup.done).toEqual(Array.from({ length: 12 }, (_, index) => `${index}`))
    const steps = [...seen, 12].map((count, index) => count - (seen[index - 1] ?? 0))
    // The third task exceeds the slice of five milliseconds.
    expect(Math.max(...steps)).toBe(3)
  })

  test('many short tasks are spread too', async () => {
    const setup = new Setup(10_000)
    for (let index = 0; index < 1_000; index++) setup.submit(`${index}`)
    expect(setup.workQueue.size).toBeGreaterThan(0)
    const seen: number[] = []
    while (setup.workQueue.size > 0) {
      seen.push(setup.done.length)
      await turn()
    }
    expect(seen.length).toBeGreaterThan(10)
    expect(setup.done).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index}`))
  })

  test('tasks above the capacity are refused and do not run', async () => {
    const setup = new Setup(2)
    const taken = ['a', 'b', 'c', 'd', 'e'].map((name) => setup.submit(name, LONG))
    expect(taken).toEqual([true, true, true, false, false])
    expect(setup.workQueue.size).toBe(2)
    await setup.end()
    expect(setup.done).toEqual(['a', 'b', 'c'])
    expect(setup.submit('f')).toBe(true)
    await setup.end()
    expect(setup.done.at(-1)).toBe('f')
  })

  test('a task that starts makes room', async () => {
    const setup = new Setup(1)
    setup.submit('a', LONG)
    setup.submit('b', LONG)
    expect(setup.submit('c')).toBe(false)
    await turn()
    expect(setup.done).toEqual(['a', 'b'])
    expect(setup.submit('d')).toBe(true)
    await setup.end()
    expect(setup.done).toEqual(['a', 'b', 'd'])
  })

  test('tasks submitted by a task run after it', async () => {
    const setup = new Setup()
    setup.submit('a', LONG)
    setup.workQueue.submit(() => {
      setup.done.push('b')
      setup.submit('d')
    })
    setup.submit('c')
    await setup.end()
    expect(setup.done).toEqual(['a', 'b', 'c', 'd'])
  })

  test('stopping drops queued tasks, and later ones run', async () => {
    const setup = new Setup(2)
    for (const name of ['a', 'b', 'c']) setup.submit(name, LONG)
    setup.workQueue.stop()
    expect(setup.workQueue.size).toBe(0)
    await turn()
    await turn()
    expect(setup.done).toEqual(['a'])
    for (const name of ['d', 'e', 'f']) expect(setup.submit(name, LONG)).toBe(true)
    await setup.end()
    expect(setup.done).toEqual(['a', 'd', 'e', 'f'])
  })

  test('may be stopped by a task', async () => {
    const setup = new Setup()
    setup.submit('a', LONG)
    setup.workQueue.submit(() => setup.workQueue.stop())
    setup.submit('c')
    await turn()
    await turn()
    expect([setup.done, setup.workQueue.size]).toEqual([['a'], 0])
  })

  test('accepted tasks of any duration run once and in order', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ lasts: fc.constantFrom(0, 0, 0, 1, 3, 7) }) },
      { weight: 1, arbitrary: fc.constant('turn' as const) }
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 20 }), async (steps, capacity) => {
        const setup = new Setup(capacity)
        const expected: string[] = []
        for (const [index, step] of steps.entries()) {
          if (step === 'turn') await turn()
          else if (setup.submit(`${index}`, step.lasts)) expected.push(`${index}`)
          expect(setup.workQueue.size).toBeLessThanOrEqual(capacity)
          expect(setup.done.length + setup.workQueue.size).toBe(expected.length)
        }
        await setup.end()
        expect(setup.done).toEqual(expected)
      }),
      { numRuns: 100 }
    )
  })
})
