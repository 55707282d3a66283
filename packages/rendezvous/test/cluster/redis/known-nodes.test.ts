import { expect, test } from 'vitest'
import { KnownNodes } from '../../../src/cluster/redis/known-nodes.js'

const UNHEARD = { came: () => {}, went: () => {} }

test('a node that is missing counts until it could have come back', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.told(['a', 'b'])
  // nobody could ask for long, and then Redis had lost all
  now = 100_000
  nodes.told(['a'])
  expect(nodes.ids).toEqual(['a', 'b'])
  for (const step of [500, 500]) {
    now += step
    nodes.told(['a'])
    expect(nodes.has('b')).toBe(true)
  }
  now += 1
  nodes.told(['a'])
  expect(nodes.ids).toEqual(['a'])
})

test('time in which nobody could come back does not count', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.told(['a', 'b'])
  // Redis was wiped, and stood still before the other one could take a new lease
  now = 400
  nodes.told(['a'])
  now = 5_400
  nodes.told(['a'])
  expect(nodes.has('b')).toBe(true)
  now += 400
  nodes.told(['a', 'b'])
  expect(nodes.size).toBe(2)
})

test('a node that came back has all its time again', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.told(['a', 'b'])
  nodes.told(['a'])
  now = 900
  nodes.told(['a', 'b'])
  now = 1_300
  nodes.told(['a'])
  now = 1_800
  nodes.told(['a'])
  now = 2_300
  nodes.told(['a'])
  expect(nodes.size).toBe(2)
})

test('a node that was said to be gone is', () => {
  const nodes = new KnownNodes(1_000, UNHEARD, () => 0)
  nodes.told(['a', 'b'])
  nodes.gone('b')
  expect(nodes.ids).toEqual(['a'])
})

test('each coming and going is told of once', () => {
  let now = 0
  const told: string[] = []
  const listener = { came: (node: string) => told.push(`+${node}`), went: (node: string) => told.push(`-${node}`) }
  const nodes = new KnownNodes(1_000, listener, () => now)
  for (const ids of [['a', 'b'], ['a', 'b'], ['a'], ['a', 'b'], ['a']]) {
    now += 400
    nodes.told(ids)
  }
  expect(told).toEqual(['+a', '+b'])
  now += 400
  nodes.told(['a'])
  now += 400
  nodes.told(['a'])
  now += 400
  nodes.told(['a'])
  nodes.gone('b')
  nodes.gone('a')
  expect(told).toEqual(['+a', '+b', '-b', '-a'])
})
