import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Roster } from '../../src/star/roster.js'

interface Item {
  number: number
}

const items: readonly Item[] = Array.from({ length: 200 }, (_, number) => ({ number }))

function rosterOf(size: number): Roster<Item> {
  const roster = new Roster<Item>()
  for (const item of items.slice(0, size)) roster.add(item)
  return roster
}

/** What a roster does, by plain means: the items, oldest first, and those whose turn is to come in this round. */
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

describe('a roster', () => {
  test('does what a plain list does', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: items.length }),
        fc.array(step, { size: 'max', maxLength: 250 }),
        (initialSize, steps) => {
          const roster = rosterOf(initialSize)
          const model = new Model()
          for (const item of items.slice(0, initialSize)) model.add(item)
          for (const [action, argument] of steps) {
            if (action === 'window') expect(roster.window(argument)).toEqual(model.window(argument))
            else if (action === 'add') [roster, model].forEach((list) => list.add(argument))
            else [roster, model].forEach((list) => list.delete(argument))
            expect(roster.size).toBe(model.list.length)
          }
          expect([...roster.newest()]).toEqual(model.list.toReversed())
        }
      ),
      { numRuns: 300, interruptAfterTimeLimit: 15_000 }
    )
  })

  test('lists nothing when it is empty', () => {
    const roster = rosterOf(0)
    expect(roster.size).toBe(0)
    expect([...roster.newest()]).toEqual([])
    expect(roster.window(5)).toEqual([])
  })

  test('what is added again is the newest, and there once', () => {
    const roster = rosterOf(3)
    roster.add(items[0] as Item) // of 200
    expect([...roster.newest()].map(({ number }) => number)).toEqual([0, 2, 1])
    expect(roster.size).toBe(3)
  })

  test('deleting what is not there changes nothing', () => {
    const roster = rosterOf(2)
    roster.delete({ number: 0 })
    expect(roster.size).toBe(2)
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
          const roster = rosterOf(count)
          roster.window(before)
          const windows = Array.from({ length: Math.ceil(count / size) }, () => roster.window(size))
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
    const roster = rosterOf(3)
    roster.window(1)
    expect(roster.window(0)).toEqual([])
    expect(roster.window(1)).toEqual([items[1]])
  })

  test('go on where they were after most items have left', () => {
    const roster = rosterOf(200)
    expect(roster.window(150).at(-1)).toBe(items[149])
    for (const item of items) if (item.number % 10 !== 5) roster.delete(item)
    expect(roster.window(3).map(({ number }) => number)).toEqual([155, 165, 175])
  })

  test('begin again after everything behind the last one has left', () => {
    const roster = rosterOf(200)
    roster.window(150)
    for (const item of items.slice(60)) roster.delete(item)
    expect(roster.window(2)).toEqual([items[0], items[1]])
  })

  test('begin again after all had their turn, with newcomers last', () => {
    const roster = rosterOf(200)
    roster.window(200)
    for (const item of items.slice(0, 150)) roster.delete(item)
    const newcomer = { number: 200 }
    roster.add(newcomer)
    expect(roster.window(51)).toEqual([...items.slice(150), newcomer])
  })

  test('cost no more after ever so many have come and gone', () => {
    const roster = rosterOf(1)
    const start = performance.now()
    for (let i = 0; i < 200_000; i++) {
      const item = { number: i }
      roster.add(item)
      roster.window(1)
      roster.delete(item)
    }
    // With every hole kept each window would walk past all of them: minutes.
    expect(performance.now() - start).toBeLessThan(5000)
    expect([...roster.newest()]).toEqual([items[0]])
  })

  test('come round to everyone, however many are added meanwhile', () => {
    const roster = rosterOf(40)
    const told: number[] = []
    for (let round = 0; round < 60; round++) {
      // More than a window has.
      for (let more = 0; more < 10; more++) roster.add({ number: 1_000 + round * 10 + more })
      told.push(...roster.window(8).map(({ number }) => number))
    }
    for (let number = 0; number < 40; number++) {
      expect(told.filter((other) => other === number).length).toBeGreaterThan(1)
    }
  })
})
