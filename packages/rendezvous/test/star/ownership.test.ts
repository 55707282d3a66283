import type { StarAddress } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { LocalBackplane } from '../../src/cluster/local-backplane.js'
import { Registry } from '../../src/registry/registry.js'
import { Ownership } from '../../src/star/ownership.js'
import { address, OTHER_PREFIX } from '../support/addresses.js'
import { nobodyElsewhere } from '../support/joining.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

const HOME = address(1)
const AWAY = address(1, OTHER_PREFIX)
const TIMEOUT = 2_000

let registry: Registry
let ownership: Ownership
let faults: unknown[]
/** What the clients were sent, in order. */
let journal: unknown[][]

beforeEach(() => {
  registry = new Registry()
  faults = []
  journal = []
  ownership = new Ownership(
    registry,
    new LocalBackplane(),
    nobodyElsewhere,
    TIMEOUT,
    (fault) => void faults.push(fault)
  )
})

/** A session of the peer that knows the extensions. */
function claimed(name: string, address: StarAddress = HOME): RecordingSessionEntry {
  const sessionEntry = createSessionEntry(name, journal)
  sessionEntry.recording.extended = true
  ownership.claim(sessionEntry, address)
  return sessionEntry
}

/** The oldest ping that a session was sent is answered, or not in time. */
async function answer(sessionEntry: RecordingSessionEntry, alive: boolean): Promise<void> {
  const probe = sessionEntry.recording.probes.shift() ?? expect.fail(`${sessionEntry.session.id} was not asked`)
  expect(probe.timeout).toBe(TIMEOUT)
  probe.settle(alive)
  await settled()
}

/** Every ping is answered. */
async function answerAll(...sessionEntries: readonly RecordingSessionEntry[]): Promise<void> {
  for (const sessionEntry of sessionEntries) {
    while (sessionEntry.recording.probes.length > 0) await answer(sessionEntry, true)
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function order(): string[] {
  return registry.get(HOME)?.owners.map(({ sessionEntry }) => sessionEntry.session.id) ?? []
}

function taken(name: string, { canonical }: StarAddress = HOME): unknown[] {
  return [name, 'text', `2["ss-taken","${canonical}"]`]
}

function held(name: string, { canonical }: StarAddress = HOME): unknown[] {
  return [name, 'text', `2["ss-held","${canonical}"]`]
}

describe('when a session takes over a peer', () => {
  test('the previous owner is told, by its own address, and stays while it answers', async () => {
    const one = claimed('one', AWAY)
    const two = claimed('two')
    expect(journal).toEqual([taken('one', AWAY)])
    expect(order()).toEqual(['two', 'one'])
    expect(registry.get(AWAY)?.owners[0]?.sessionEntry).toBe(two)
    await answer(one, true)
    expect(order()).toEqual(['two', 'one'])
    expect(journal).toHaveLength(1)
  })

  test('and is removed if it does not', async () => {
    const one = claimed('one')
    claimed('two')
    await answer(one, false)
    expect(order()).toEqual(['two'])
    expect(one.addresses.size).toBe(0)
    expect(journal).toEqual([taken('one')])
  })

  test('only the owner is told', () => {
    for (const name of ['one', 'two', 'three']) claimed(name)
    expect(journal).toEqual([taken('one'), taken('two')])
  })

  test('legacy clients are not told', () => {
    const one = claimed('one')
    one.recording.extended = false
    claimed('two')
    expect(journal).toEqual([])
  })

  test('a session that joins under one more address is not told', () => {
    const one = claimed('one')
    ownership.claim(one, AWAY)
    expect(journal).toEqual([])
    expect(one.recording.probes).toEqual([])
  })

  test('only the latest four of the others are pinged', () => {
    const members = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => claimed(name))
    const before = members.map(({ recording }) => recording.probes.length)
    claimed('seven')
    const pinged = members.map(({ recording }, index) => recording.probes.length - (before[index] ?? 0))
    expect(pinged).toEqual([0, 0, 1, 1, 1, 1])
    expect(order()).toEqual(['seven', 'six', 'five', 'four', 'three', 'two', 'one'])
  })
})

describe('when the owner leaves', () => {
  test('the previous session takes over, and is told once it has answered', async () => {
    const [one, two] = [claimed('one', AWAY), claimed('two')]
    await answerAll(one)
    journal.length = 0
    ownership.release(two, HOME)
    expect(order()).toEqual(['one'])
    expect(journal).toEqual([])
    await answer(one, true)
    expect(journal).toEqual([held('one', AWAY)])
  })

  test('of several sessions the latest that answers takes over', async () => {
    const [one, two, three, four] = [claimed('one'), claimed('two'), claimed('three'), claimed('four')]
    await answerAll(one, two, three)
    journal.length = 0
    ownership.releaseAll(four)
    await answer(three, false)
    expect(order()).toEqual(['two', 'one'])
    await answer(two, true)
    expect(journal).toEqual([held('two')])
    expect(one.recording.probes).toEqual([])
  })

  test('nobody is told if another leaves, or nobody is left', async () => {
    const [one, two] = [claimed('one'), claimed('two')]
    await answerAll(one)
    journal.length = 0
    ownership.release(one, HOME)
    ownership.release(two, HOME)
    await settled()
    expect(journal).toEqual([])
    expect(registry.size).toBe(0)
    expect([one, two].map(({ recording }) => recording.probes.length)).toEqual([0, 0])
  })

  test('a session that has joined meanwhile is the owner', async () => {
    const [one, two] = [claimed('one'), claimed('two')]
    await answerAll(one)
    ownership.release(two, HOME)
    claimed('three')
    journal.length = 0
    await answerAll(one)
    expect(order()).toEqual(['three', 'one'])
    expect(journal).toEqual([])
  })

  test('and when that leaves before anybody has answered, the first is told once', async () => {
    const [one, two] = [claimed('one'), claimed('two')]
    await answerAll(one)
    ownership.release(two, HOME)
    const three = claimed('three')
    ownership.releaseAll(three)
    journal.length = 0
    await answerAll(one)
    expect(order()).toEqual(['one'])
    expect(journal).toEqual([held('one')])
  })

  test('and when the next leaves while it is asked, the one after it is told once', async () => {
    const [one, two, three] = [claimed('one'), claimed('two'), claimed('three')]
    await answerAll(one, two)
    journal.length = 0
    ownership.releaseAll(three)
    ownership.releaseAll(two)
    await answer(two, false)
    await answerAll(one)
    expect(journal).toEqual([held('one')])
    expect(order()).toEqual(['one'])
  })

  test('with all its addresses, the one it shared both with is told once', async () => {
    const [one, two] = [claimed('one'), claimed('two')]
    ownership.claim(two, AWAY)
    await answerAll(one)
    journal.length = 0
    ownership.releaseAll(two)
    await answerAll(one)
    expect(journal).toEqual([held('one')])
  })

  test('under one of its addresses only, and still has the other, nothing changes', async () => {
    const [one, two] = [claimed('one'), claimed('two')]
    ownership.claim(two, AWAY)
    await answerAll(one)
    journal.length = 0
    ownership.release(two, AWAY)
    await answerAll(one)
    expect(journal).toEqual([])
    expect(order()).toEqual(['two', 'one'])
  })
})

test('an error while a session is pinged is reported', async () => {
  const one = claimed('one')
  one.recording.probe = () => Promise.reject(new Error('probe'))
  const two = claimed('two')
  await settled()
  expect(faults).toEqual([new Error('probe')])
  ownership.release(two, HOME)
  await settled()
  expect(faults).toHaveLength(2)
})
