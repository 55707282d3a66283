import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChangeLog, withoutOwnPeers, type NetChanges } from '../../src/discovery/change-log.js'
import type { PeerEntry } from '../../src/registry/peer-entry.js'

function entry(key: string): PeerEntry {
  return { key, peerId: key, owners: [], claim: undefined, remote: undefined }
}

function logOf(...events: readonly string[]): ChangeLog {
  const log = new ChangeLog()
  for (const event of events) log.add(entry(event.slice(1)), event.startsWith('+'))
  return log
}

function keys({ joined, left }: NetChanges): { joined: string[]; left: string[] } {
  return { joined: [...joined.keys()].toSorted(), left: [...left.keys()].toSorted() }
}

/** Applies changes to known peers, and asserts that none is redundant. */
function apply(known: Iterable<string>, { joined, left }: NetChanges): string[] {
  const result = new Set(known)
  for (const key of joined.keys()) {
    expect(result.has(key)).toBe(false)
    result.add(key)
  }
  for (const key of left.keys()) expect(result.delete(key)).toBe(true)
  return [...result].toSorted()
}

describe('the changes', () => {
  test.each([
    ['nothing', [], [], []],
    ['one came', ['+a'], ['a'], []],
    ['one left', ['-a'], [], ['a']],
    ['one came and left', ['+a', '-a'], [], []],
    ['one left and came back', ['-a', '+a'], [], []],
    ['one came, left and came back', ['+a', '-a', '+a'], ['a'], []],
    ['one left, came back and left', ['-a', '+a', '-a'], [], ['a']],
    ['several', ['+a', '-b', '+c', '-c', '-d', '+b'], ['a'], ['d']]
  ])('%s', (_, events, joined, left) => {
    expect(keys(logOf(...events).since(0))).toEqual({ joined, left })
  })

  test('since a position are what a client missed that knew everything before', () => {
    const log = logOf('+a', '+b', '-a', '+a', '-b')
    expect(log.end).toBe(5)
    expect([0, 1, 2, 3, 4, 5].map((position) => keys(log.since(position)))).toEqual([
      { joined: ['a'], left: [] },
      { joined: [], left: [] },
      { joined: [], left: ['b'] },
      { joined: ['a'], left: ['b'] },
      { joined: [], left: ['b'] },
      { joined: [], left: [] }
    ])
  })

  test('up to a position are those until then', () => {
    const log = logOf('+a', '-a', '-b', '+c')
    expect([1, 2, 3, 4].map((end) => keys(log.since(0, end)))).toEqual([
      { joined: ['a'], left: [] },
      { joined: [], left: [] },
      { joined: [], left: ['b'] },
      { joined: ['c'], left: ['b'] }
    ])
  })

  test('since a position stay the same when older ones are forgotten', () => {
    const log = logOf('+a', '-b', '+c', '-a')
    const before = keys(log.since(2))
    log.forget(2)
    expect([log.end, keys(log.since(2)), log.isEmpty]).toEqual([4, before, false])
    log.forget(4)
    log.add(entry('d'), true)
    expect(keys(log.since(4))).toEqual({ joined: ['d'], left: [] })
    log.forget(5)
    expect([log.end, log.isEmpty]).toEqual([5, true])
  })

  test('lead from the earlier peers to the current ones, from any position, for owners of any peers', () => {
    const key = fc.constantFrom<string[]>('a', 'b', 'c', 'd')
    const some = fc.uniqueArray(key)
    fc.assert(
      fc.property(some, fc.array(key), fc.nat(), some, some, (start, toggles, nat, before, now) => {
        const log = new ChangeLog()
        const there = new Set(start)
        const position = nat % (toggles.length + 1)
        let then = [...there]
        for (const [index, key] of toggles.entries()) {
          if (index === position) then = [...there]
          const comes = !there.delete(key)
          if (comes) there.add(key)
          log.add(entry(key), comes)
        }
        if (position === toggles.length) then = [...there]

        const changes = log.since(position)
        expect(apply(then, changes)).toEqual([...there].toSorted())
        const own = withoutOwnPeers(changes, before, now, (key) => (there.has(key) ? entry(key) : undefined))
        expect(
          apply(
            then.filter((key) => !before.includes(key)),
            own
          )
        ).toEqual([...there].filter((key) => !now.includes(key)).toSorted())
      }),
      { numRuns: 2000 }
    )
  })
})
