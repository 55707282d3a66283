import { expect, test } from 'vitest'
import { Groups } from '../../src/registry/groups.js'

test('items are kept by prefix, and a prefix as long as it has any', () => {
  const groups = new Groups<string>()
  groups.add('/a', 'one')
  groups.add('/a', 'two')
  groups.add(undefined, 'three')
  groups.add('/a', 'one')
  expect([...groups].map(([prefix, items]) => [prefix, ...items])).toEqual([
    ['/a', 'one', 'two'],
    [undefined, 'three']
  ])
  expect([groups.size, groups.has('/a'), groups.has(undefined), groups.has('/b')]).toEqual([2, true, true, false])

  groups.delete('/a', 'one')
  groups.delete('/b', 'one')
  groups.delete(undefined, 'two')
  expect(groups.size).toBe(2)
  groups.delete('/a', 'two')
  groups.delete(undefined, 'three')
  expect([groups.size, groups.has('/a'), [...groups].length]).toEqual([0, false, 0])
})
