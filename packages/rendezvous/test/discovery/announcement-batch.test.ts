import { describe, expect, test } from 'vitest'
import { AnnouncementBatch, announcementSize } from '../../src/discovery/announcement-batch.js'
import { addressUnder, type PeerEntry } from '../../src/registry/peer-entry.js'
import { Groups } from '../../src/registry/groups.js'
import { Registry } from '../../src/registry/registry.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

/** Creates a session that owns these peers, in a registry of its own. */
function holder(...numbers: number[]): { member: RecordingSessionEntry; entries: PeerEntry[] } {
  const [member, registry] = [createSessionEntry('holder'), new Registry()]
  return { member, entries: numbers.map((number) => registry.claim(member, address(number))) }
}

function text(number: number, prefix = PREFIX): string {
  return `2["ws-peer","${prefix}/ipfs/${peerId(number)}"]`
}

describe('a batch of announcements', () => {
  const { member, entries } = holder(1, 2, 3, 4)

  /** Returns the announcements sent to a client that owns these peers. */
  function toldTo(...own: number[]): { texts: readonly string[]; count: number } | undefined {
    const told = new AnnouncementBatch(entries, PREFIX).exceptOwn(holder(...own).member)
    return told && { texts: told.messages.texts, count: told.count }
  }

  test('names all peers to another client, in the form for legacy clients', () => {
    expect(toldTo(9)).toEqual({ texts: [1, 2, 3, 4].map((number) => text(number)), count: 4 })
    expect(toldTo()).toEqual({ texts: [1, 2, 3, 4].map((number) => text(number)), count: 4 })
  })

  test.each([1, 2, 3, 4])('peer %i is told of all but itself', (own) => {
    const others = [1, 2, 3, 4].filter((number) => number !== own)
    expect(toldTo(own)).toEqual({ texts: others.map((number) => text(number)), count: 3 })
    expect(toldTo(9, own)).toEqual({ texts: others.map((number) => text(number)), count: 3 })
  })

  test('names the others to the owner of several', () => {
    expect(toldTo(4, 1)).toEqual({ texts: [text(2), text(3)], count: 2 })
  })

  test('is empty for the owner of all', () => {
    expect(new AnnouncementBatch(entries, PREFIX).exceptOwn(member)).toBeUndefined()
    expect(new AnnouncementBatch([], PREFIX).exceptOwn(createSessionEntry('anyone'))).toBeUndefined()
  })

  test('names all others to a client that owns one under many prefixes', () => {
    const [twice, registry] = [createSessionEntry('twice'), new Registry()]
    for (const prefix of [PREFIX, OTHER_PREFIX]) registry.claim(twice, address(2, prefix))
    const told = new AnnouncementBatch(entries, PREFIX).exceptOwn(twice)
    expect([told?.messages.texts, told?.count]).toEqual([[text(1), text(3), text(4)], 3])
  })

  test('shares its bytes among all clients, also those that own one of the peers', () => {
    const announcements = new AnnouncementBatch(entries, PREFIX)
    const [one, two] = [9, 10].map((number) => announcements.exceptOwn(holder(number).member)?.messages)
    expect(one).toBe(two)
    const own = announcements.exceptOwn(holder(2).member)?.messages
    for (const frame of own?.frames ?? []) expect(frame.buffer).toBe(one?.frames[0].buffer)
    expect(own?.frames).toHaveLength(2)
  })

  test('has the size of all its messages on a WebSocket', () => {
    const announcements = new AnnouncementBatch(entries, PREFIX)
    expect(announcements.count).toBe(4)
    // A WebSocket header of two bytes, since no message exceeds 125 bytes, and engine.io's prefix of four.
    const bytes = [1, 2, 3, 4].reduce((sum, number) => sum + 3 + text(number).length, 0)
    expect(announcements.size).toBe(bytes)
  })
})

test.each(['/ip4/1.1.1.1/tcp/1/ws/p2p-websocket-star', PREFIX, `/dns4/${'a'.repeat(200)}/wss/p2p-websocket-star`])(
  'what it costs to tell all of one is known before: %s',
  (prefix) => {
    const subscribers = new Groups<number>()
    for (const [subscriber, under] of [prefix, prefix, OTHER_PREFIX].entries()) subscribers.add(under, subscriber)
    const sizeUnder = (under: string) => new AnnouncementBatch(holder(1).entries, under).size
    const size = 2 * sizeUnder(prefix) + sizeUnder(OTHER_PREFIX)
    expect(announcementSize(subscribers)).toBeGreaterThanOrEqual(size)
    expect(announcementSize(subscribers)).toBeLessThanOrEqual(size + 3 * 2)
  }
)

describe('the announced address', () => {
  const [entry] = holder(1).entries as [PeerEntry]

  test('is the prefix of the client and the peer id', () => {
    expect(addressUnder(entry, OTHER_PREFIX)).toBe(`${OTHER_PREFIX}/ipfs/${peerId(1)}`)
  })

  test('is the last joined address for a client without a prefix', () => {
    const [registry, member] = [new Registry(), createSessionEntry('member')]
    registry.claim(member, address(1, OTHER_PREFIX))
    const entry = registry.claim(member, address(1))
    expect(addressUnder(entry, undefined)).toBe(`${PREFIX}/ipfs/${peerId(1)}`)
  })

  test('is the joined address of a peer without a peer id', () => {
    const entry = new Registry().claim(createSessionEntry('nameless'), addressWithoutPeer(7))
    for (const prefix of [PREFIX, undefined]) expect(addressUnder(entry, prefix)).toBe('/ip4/192.0.2.7/tcp/4001')
  })
})
