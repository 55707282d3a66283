import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Rotation } from '../../src/registry/rotation.js'

interface Item {
  number: number
}

const items: readonly Item[] = Array.from({ length: 200 }, (_, number) => ({ number }))

function rotationOf(size: number): Rotation<Item> {
  const rotation = new Rotation<Item>()
  for (const item of items.slice(0, size)) rotation.add(item)
  return rotation
}

/** What a rotation does, by plain means: the items, oldest first, and those whose turn is to come in this round. */
class Model {
  list: Item[] = []
  round: Item[] = []

  add(item: Item): void {
    this.delete(item)
    this.list.push(item)
  }

  delete(item: Item): void {
    this.list = this.list.filter((other) => other !== item)
    this.round = this.round.filter((other) => other !== item)
  }

  window(size: number): Item[] {
    const window = new Set<Item>()
    while (window.size < Math.min(size, this.list.length)) {
      if (this.round.length === 0) this.round = [...this.list]
      window.add(this.round.shift() as Item) // of a list that is not empty
    }
    return [...window]
  }
}

type Step = ['add' | 'delete', Item] | ['window', number]

const item = fc.constantFrom(...items)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('add' as const), item) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('delete' as const), item) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('window' as const), fc.nat({ max: 80 })) }
)

describe('a rotation', () => {
  test('does what a plain list does', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: items.length }),
        fc.array(step, { size: 'max', maxLength: 250 }),
        (initialSize, steps) => {
          const rotation = rotationOf(initialSize)
          const model = new Model()
          for (const item of items.slice(0, initialSize)) model.add(item)
          for (const [action, argument] of steps) {
            if (action === 'window') expect(rotation.window(argument)).toEqual(model.window(argument))
            else if (action === 'add') [rotation, model].forEach((list) => list.add(argument))
            else [rotation, model].forEach((list) => list.delete(argument))
            expect(rotation.size).toBe(model.list.length)
          }
          expect([...rotation.latest()]).toEqual(model.list.toReversed())
        }
      ),
      { numRuns: 300, interruptAfterTimeLimit: 15_000 }
    )
  })

  test('lists nothing when it is empty', () => {
    const rotation = rotationOf(0)
    expect(rotation.size).toBe(0)
    expect([...rotation.latest()]).toEqual([])
    expect(rotation.window(5)).toEqual([])
  })

  test('an item that is added again is the latest, and there once', () => {
    const rotation = rotationOf(3)
    rotation.add(items[0] as Item) // of 200
    expect([...rotation.latest()].map(({ number }) => number)).toEqual([0, 2, 1])
    expect(rotation.size).toBe(3)
  })

  test('deleting what is not there changes nothing', () => {
    const rotation = rotationOf(2)
    rotation.delete({ number: 0 })
    expect(rotation.size).toBe(2)
  })
})

describe('its windows', () => {
  test('a round of them has each item, and one twice only where the round wraps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: items.length }),
        fc.integer({ min: 1, max: 250 }),
        fc.nat({ max: 500 }),
        (count, size, before) => {
          const rotation = rotationOf(count)
          rotation.window(before)
          const windows = Array.from({ length: Math.ceil(count / size) }, () => rotation.window(size))
          for (const window of windows) {
            expect(window).toHaveLength(Math.min(size, count))
            expect(new Set(window).size).toBe(window.length)
          }
          const told = windows.flat()
          expect(new Set(told.slice(0, count)).size).toBe(count)
        }
      )
    )
  })

  test('of no size are empty and take no turn', () => {
    const rotation = rotationOf(3)
    rotation.window(1)
    expect(rotation.window(0)).toEqual([])
    expect(rotation.window(1)).toEqual([items[1]])
  })

  test('go on where they were after most items have left', () => {
    const rotation = rotationOf(200)
    expect(rotation.window(150).at(-1)).toBe(items[149])
    for (const item of items) if (item.number % 10 !== 5) rotation.delete(item)
    expect(rotation.window(3).map(({ number }) => number)).toEqual([155, 165, 175])
  })

  test('begin again after everything behind the last one has left', () => {
    const rotation = rotationOf(200)
    rotation.window(150)
    for (const item of items.slice(60)) rotation.delete(item)
    expect(rotation.window(2)).toEqual([items[0], items[1]])
  })

  test('begin again after all had their turn, with newcomers last', () => {
    const rotation = rotationOf(200)
    rotation.window(200)
    for (const item of items.slice(0, 150)) rotation.delete(item)
    const newcomer = { number: 200 }
    rotation.add(newcomer)
    expect(rotation.window(51)).toEqual([...items.slice(150), newcomer])
  })

  test('cost no more after ever so many have come and gone', () => {
    const rotation = rotationOf(1)
    for (let i = 0; i < 200_000; i++) {
      const item = { number: i }
      rotation.add(item)
      rotation.window(1)
      rotation.delete(item)
    }
    // With every hole kept each window would walk past all of them, and this would not end in the time of a test.
    expect([...rotation.latest()]).toEqual([items[0]])
  })

  test('come round to everyone, however many are added meanwhile', () => {
    const rotation = rotationOf(40)
    const told: number[] = []
    for (let round = 0; round < 60; round++) {
      // More than a window has.
      for (let more = 0; more < 10; more++) rotation.add({ number: 1_000 + round * 10 + more })
      told.push(...rotation.window(8).map(({ number }) => number))
    }
    for (let number = 0; number < 40; number++) {
      expect(told.filter((other) => other === number).length).toBeGreaterThan(1)
    }
  })
})
