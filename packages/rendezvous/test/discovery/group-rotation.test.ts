import { expect, test } from 'vitest'
import { GroupRotation } from '../../src/discovery/group-rotation.js'

const [A, B, C] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]

interface Item {
  name: string
  group: object
}

function items(group: { name: string }, count: number): Item[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${group.name}${index}`, group }))
}

function turnsOf(...all: Item[]): GroupRotation<Item> {
  const turns = new GroupRotation<Item>(({ group }) => group)
  for (const item of all) turns.add(item)
  return turns
}

function round(turns: GroupRotation<Item>, isReady: (item: Item) => boolean = () => true): string[] {
  const taken: string[] = []
  turns.round(isReady, (item) => {
    taken.push(item.name)
    turns.delete(item)
  })
  return taken
}

test('each group is served once per round, however many items it has', () => {
  const turns = turnsOf(...items(A, 4), ...items(B, 1), ...items(C, 2))
  expect([round(turns), round(turns), round(turns), round(turns)]).toEqual([
    ['a0', 'b0', 'c0'],
    ['a1', 'c1'],
    ['a2'],
    ['a3']
  ])
  expect(turns.isEmpty).toBe(true)
})

test('an item that stays is served next in its group', () => {
  const turns = turnsOf(...items(A, 2))
  const taken: string[] = []
  for (let count = 0; count < 3; count++) {
    turns.round(
      () => true,
      ({ name }) => taken.push(name)
    )
  }
  expect(taken).toEqual(['a0', 'a0', 'a0'])
})

test('an item that is not ready is skipped, and a group without a ready one keeps its place', () => {
  const turns = turnsOf(...items(A, 2), ...items(B, 2))
  expect(round(turns, ({ name }) => name === 'a1' || name === 'b0')).toEqual(['a1', 'b0'])
  expect(round(turns, ({ name }) => name !== 'a0')).toEqual(['b1'])
  expect(round(turns)).toEqual(['a0'])
})

test('a group that was served is behind those that were not', () => {
  const [a, b, c] = [items(A, 2), items(B, 2), items(C, 2)]
  const turns = turnsOf(...a, ...b)
  let left = 1
  const once = () => left-- > 0
  expect(round(turns, once)).toEqual(['a0'])
  for (const item of c) turns.add(item)
  expect(round(turns)).toEqual(['b0', 'a1', 'c0'])
})

test('an item that is added twice waits once', () => {
  const [item] = items(A, 1) as [Item]
  const turns = turnsOf(item, item)
  expect([round(turns), round(turns)]).toEqual([['a0'], []])
})
