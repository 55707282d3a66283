import { describe, expect, test } from 'vitest'
import { connectionToEvict } from '../src/eviction.js'

const NOW = 1_000_000
const QUIET = 60_000

/** A connection with a peer, last used so many milliseconds ago. */
function connection(peer: string, usedAgo = 0, direction: 'inbound' | 'outbound' = 'inbound') {
  return { remotePeerId: peer, remoteAddress: `/p2p/${peer}`, direction, usedAt: NOW - usedAgo }
}

function usedAt(connection: { usedAt: number }): number {
  return connection.usedAt
}

function toGiveWay<T extends ReturnType<typeof connection>>(open: readonly T[], dialer: string): number {
  return open.indexOf(connectionToEvict(open, connection(dialer), usedAt, NOW) as T)
}

describe('of open connections gives way', () => {
  test.each([
    ['the idlest of the peer with the most', 1, [connection('a', 5), connection('b', 9), connection('b', 8)], 'c'],
    ['the first of those that are as idle', 0, [connection('a'), connection('a'), connection('b', 9)], 'c'],
    [
      'the idlest of those with the most',
      2,
      ['a', 'a', 'b', 'b'].map((peer, at) => connection(peer, [1, 2, 4, 3][at])),
      'c'
    ],
    ['one that is in use, of a peer with two more', 0, [connection('a'), connection('a'), connection('a')], 'b'],
    ['none of a peer with as many, until it is quiet', -1, [connection('a', QUIET - 1)], 'b'],
    ['the quietest of those with more', 1, [connection('a', QUIET), connection('b', QUIET + 1)], 'c'],
    ['none of those with no more, however quiet', -1, [connection('a', QUIET), connection('b', QUIET)], 'b'],
    ['none to the peer that has the most', -1, [connection('a', QUIET), connection('a', QUIET)], 'a'],
    ['nothing that was dialled here', -1, [1, 2, 3].map(() => connection('a', QUIET, 'outbound')), 'b']
  ])('%s', (_, place, open, dialer) => {
    expect(toGiveWay(open, dialer)).toBe(place)
  })

  test('what has no peer id counts by its address', () => {
    const open = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1'].map((remoteAddress) => {
      return { ...connection('', 0), remotePeerId: undefined, remoteAddress }
    })
    expect(connectionToEvict(open, connection('a'), usedAt, NOW)).toBe(open[0])
  })
})
