import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { BroadcastQueue } from '../../src/discovery/broadcast-queue.js'

describe('a queue of broadcasts', () => {
  /** A broadcast's letter and a number for each step, and the letter alone for its end. */
  let done: string[]
  let faults: unknown[]
  let now: number
  let broadcasts: BroadcastQueue

  beforeEach(() => {
    done = []
    faults = []
    now = 0
    broadcasts = new BroadcastQueue(
      (fault) => void faults.push(fault),
      () => now
    )
  })

  function start(name: string, clients: number, step: (index: number) => void = () => {}): void {
    function* tellAll(): Generator<void> {
      for (let index = 0; index < clients; index++) {
        done.push(`${name}${index}`)
        step(index)
        yield
      }
    }
    broadcasts.start(tellAll(), () => done.push(name))
  }

  function steps(name: string, clients: number): string[] {
    return Array.from({ length: clients }, (_, index) => `${name}${index}`)
  }

  async function untilEnd(name: string): Promise<void> {
    while (!done.includes(name)) await turn()
  }

  test('sends to few clients immediately', () => {
    start('a', 100)
    expect(done).toEqual([...steps('a', 100), 'a'])
  })

  test('ends a broadcast without clients immediately', () => {
    start('a', 0)
    expect(done).toEqual(['a'])
  })

  test('sends to many clients in slices, and lets other work run in between', async () => {
    start('a', 1_000)
    const counts = [done.length]
    while (!done.includes('a')) {
      await turn()
      counts.push(done.length)
    }
    expect(done).toEqual([...steps('a', 1_000), 'a'])
    const slices = counts.map((count, index) => count - (counts[index - 1] ?? 0))
    expect(Math.max(...slices)).toBeLessThanOrEqual(129)
    expect(counts[0]).toBeGreaterThan(0)
  })

  test('makes slices shorter if each client takes long', async () => {
    start('a', 20, () => {
      now += 2
    })
    expect(done.length).toBeLessThan(5)
    await untilEnd('a')
    expect(done).toEqual([...steps('a', 20), 'a'])
  })

  test('finishes one broadcast before the next begins', async () => {
    start('a', 300)
    const before = done.length
    start('b', 300)
    start('c', 1)
    // The first broadcast is not sped up by those that wait.
    expect(done).toHaveLength(before)
    await untilEnd('c')
    expect(done).toEqual([...steps('a', 300), 'a', ...steps('b', 300), 'b', 'c0', 'c'])
  })

  test('sends a broadcast next that is started by the end of another', async () => {
    function* nobody(): Generator<void> {}
    broadcasts.start(nobody(), () => start('a', 300))
    await untilEnd('a')
    start('b', 1)
    expect(done).toEqual([...steps('a', 300), 'a', 'b0', 'b'])
  })

  test('abandons the current broadcast and drops the waiting ones when it is stopped', async () => {
    start('a', 300)
    start('b', 1)
    const before = [...done]
    broadcasts.stop()
    await turn()
    await turn()
    expect(done).toEqual(before)
    start('c', 2)
    expect(done).toEqual([...before, 'c0', 'c1', 'c'])
  })

  test('reports an error of a step, and continues with the others', async () => {
    start('a', 10, (index) => {
      if (index === 3) throw new Error('broken')
    })
    start('b', 2)
    expect(faults).toEqual([new Error('broken')])
    expect(done).toEqual(['a0', 'a1', 'a2', 'a3', 'a', 'b0', 'b1', 'b'])
  })

  test('reports an error of an end, too', () => {
    function* nobody(): Generator<void> {}
    broadcasts.start(nobody(), () => {
      throw new Error('broken')
    })
    start('b', 2)
    expect([faults, done]).toEqual([[new Error('broken')], ['b0', 'b1', 'b']])
  })
})
