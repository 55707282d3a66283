import { expect, test } from 'vitest'
import { FairQueue, type WorkSource } from '../../src/pacing/fair-queue.js'

/** Records each piece of its work. */
class RecordedSource implements WorkSource {
  readonly group: object
  isNew = false
  readonly #work: () => void
  left: number

  constructor(name: string, left: number, group: object | undefined, work: (name: string) => void) {
    this.left = left
    this.group = group ?? this
    this.#work = () => work(name)
  }

  work(): boolean {
    this.#work()
    return --this.left > 0
  }
}

function scene(cost: number) {
  let now = 0
  const done: string[] = []
  const queue = new FairQueue(undefined, () => now)
  const work = (name: string) => {
    done.push(name)
    now += cost
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { queue, done, work, turn, pass: (ms: number) => (now += ms) }
}

test('sources take turns, and sources of one group share them', async () => {
  const { queue, done, work, turn } = scene(0)
  const group = {}
  const sources = [
    new RecordedSource('a', 2, group, work),
    new RecordedSource('b', 2, group, work),
    new RecordedSource('c', 3, undefined, work)
  ]
  for (const source of sources) queue.add(source)
  await turn()
  expect(done).toEqual(['a', 'c', 'b', 'c', 'a', 'c', 'b'])
})

test('work per event loop iteration is limited to a slice', async () => {
  const { queue, done, work, turn } = scene(2)
  queue.add(new RecordedSource('a', 7, undefined, work))
  await turn()
  expect(done).toHaveLength(3)
  await turn()
  expect(done).toHaveLength(6)
  await turn()
  expect(done).toHaveLength(7)
})

test('the next slice can be shortened to accept connections', async () => {
  const { queue, done, work, turn } = scene(1)
  queue.add(new RecordedSource('a', 20, undefined, work))
  queue.shortenSlice()
  await turn()
  expect(done).toHaveLength(1)
  await turn()
  expect(done).toHaveLength(6)
})

test('little work runs immediately; more is queued, and so is later work', async () => {
  const { queue, work, turn, pass } = scene(1)
  queue.recordWork(63)
  pass(100)
  expect(queue.mayRunNow).toBe(true)
  queue.recordWork(1)
  expect(queue.mayRunNow).toBe(true)
  pass(5)
  expect(queue.mayRunNow).toBe(false)
  await turn()
  expect(queue.mayRunNow).toBe(true)
  queue.add(new RecordedSource('a', 20, undefined, work))
  expect(queue.mayRunNow).toBe(false)
})

test('newcomers and established sources take turns, however many newcomers there are', async () => {
  const { queue, done, work, turn } = scene(0)
  for (const name of ['n1', 'n2', 'n3', 'n4']) {
    queue.add(Object.assign(new RecordedSource(name, 1, undefined, work), { isNew: true }))
  }
  queue.add(new RecordedSource('old', 2, undefined, work))
  await turn()
  expect(done).toEqual(['n1', 'old', 'n2', 'old', 'n3', 'n4'])
})

test('turns that are taken later count against the slice in which they are given', async () => {
  const { queue, turn } = scene(0)
  const given: number[] = []
  for (let number = 0; number < 25; number++) {
    const source: WorkSource = {
      group: {},
      isNew: false,
      work: () => {
        given.push(number)
        queue.countDeferredTurn()
        return false
      }
    }
    queue.add(source)
  }
  await turn()
  expect(given).toHaveLength(10)
  await turn()
  await turn()
  expect(given).toEqual(Array.from({ length: 25 }, (_, number) => number))
})

test('a stopped queue runs nothing', async () => {
  const { queue, done, work, turn } = scene(0)
  queue.add(new RecordedSource('a', 1, undefined, work))
  queue.stop()
  await turn()
  expect(done).toEqual([])
  expect(queue.mayRunNow).toBe(true)
})
