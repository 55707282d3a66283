import { expect, test } from 'vitest'
import { KnownNodes } from '../../../src/cluster/redis/known-nodes.js'

const UNHEARD = { joined: () => {}, left: () => {} }

test('a node without a lease is kept for the grace period', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.update(['a', 'b'])
  // Redis was unreachable for long, and then empty.
  now = 100_000
  nodes.update(['a'])
  expect(nodes.ids).toEqual(['a', 'b'])
  for (const step of [500, 500]) {
    now += step
    nodes.update(['a'])
    expect(nodes.has('b')).toBe(true)
  }
  now += 1
  nodes.update(['a'])
  expect(nodes.ids).toEqual(['a'])
})

test('time in which no node could take a lease does not count', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.update(['a', 'b'])
  // Redis was wiped, and then paused before the other node could take a new lease.
  now = 400
  nodes.update(['a'])
  now = 5_400
  nodes.update(['a'])
  expect(nodes.has('b')).toBe(true)
  now += 400
  nodes.update(['a', 'b'])
  expect(nodes.size).toBe(2)
})

test('a node that took a lease again has the whole grace period again', () => {
  let now = 0
  const nodes = new KnownNodes(1_000, UNHEARD, () => now)
  nodes.update(['a', 'b'])
  nodes.update(['a'])
  now = 900
  nodes.update(['a', 'b'])
  now = 1_300
  nodes.update(['a'])
  now = 1_800
  nodes.update(['a'])
  now = 2_300
  nodes.update(['a'])
  expect(nodes.size).toBe(2)
})

test('a node that is reported gone is removed immediately', () => {
  const nodes = new KnownNodes(1_000, UNHEARD, () => 0)
  nodes.update(['a', 'b'])
  nodes.remove('b')
  expect(nodes.ids).toEqual(['a'])
})

test('each node is reported once when it joins and once when it leaves', () => {
  let now = 0
  const told: string[] = []
  const observer = { joined: (node: string) => told.push(`+${node}`), left: (node: string) => told.push(`-${node}`) }
  const nodes = new KnownNodes(1_000, observer, () => now)
  for (const ids of [['a', 'b'], ['a', 'b'], ['a'], ['a', 'b'], ['a']]) {
    now += 400
    nodes.update(ids)
  }
  expect(told).toEqual(['+a', '+b'])
  now += 400
  nodes.update(['a'])
  now += 400
  nodes.update(['a'])
  now += 400
  nodes.update(['a'])
  nodes.remove('b')
  nodes.remove('a')
  expect(told).toEqual(['+a', '+b', '-b', '-a'])
})
