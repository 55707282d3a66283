import { strict as assert } from 'node:assert'
import { WIRE_ERRORS } from '@websocket-star/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalStar } from '../../src/cluster/local-backplane.js'
import { address } from '../support/addresses.js'
import { ALICE, BOB, DialScene } from '../support/dialing.js'
import type { RecordingSessionEntry } from '../support/session-entry.js'
import { settled, TestNode } from '../support/nodes.js'

/** Streams that one session may have: eight connections. */
const STREAMS = 16
/** Milliseconds after which a connection without a chunk is quiet. */
const QUIET = 60_000

let scene: DialScene
let alice: RecordingSessionEntry
let bob: RecordingSessionEntry
let serial: number

beforeEach(() => {
  serial = 0
  scene = new DialScene({}, STREAMS)
  ;({ alice, bob } = scene)
})

afterEach(() => {
  assert.deepEqual(scene.faults, [])
})

/** A session of its own peer. */
function joined(ip: string, exempt = false): RecordingSessionEntry {
  serial++
  return scene.joinedFrom({ ip, exempt, scope: 'global' }, `peer ${serial}`, address(100 + serial))
}

/** Dials Bob, who takes it at once. @returns what the dial was answered with, if that was an error */
function open(from: RecordingSessionEntry): unknown {
  const id = `d${++serial}`
  scene.dialBob(id, from)
  taken(id, from, bob)
  return scene.journal.findLast(([kind]) => kind === 'answer')?.[1]
}

/** The callee takes a dial if it was asked, and both ends accept what the other one sends. */
function taken(id: string, dialer: RecordingSessionEntry, callee: RecordingSessionEntry): void {
  if (callee.recording.requests.length === 0) return
  callee.recording.answer()
  scene.router.route(callee.session, { kind: 'accept', stream: `${id}.dialer`, window: undefined })
  scene.router.route(dialer.session, { kind: 'accept', stream: `${id}.listener`, window: undefined })
}

function openMany(from: RecordingSessionEntry, times: number): unknown[] {
  return Array.from({ length: times }, () => open(from))
}

/** Bob dials somebody who takes it at once. @returns what the dial was answered with, if that was an error */
function openFromBob(): unknown {
  const peer = joined('198.51.100.1')
  const id = `o${serial}`
  scene.dial(bob, BOB.legacy, address(100 + serial).legacy, id)
  taken(id, bob, peer)
  return scene.journal.findLast(([kind]) => kind === 'answer')?.[1]
}

/** A chunk passes on the connections of a peer's dials that were opened at these places, counted from 0. */
function use(from: RecordingSessionEntry, ...places: number[]): void {
  const halves = [...scene.router.halvesOf(from.session).values()].filter(({ stream }) => stream.endsWith('.dialer'))
  for (const place of places) {
    const half = halves[place] ?? expect.fail()
    scene.router.chunk(half, from.session, Buffer.from('x'), 0)
  }
}

function pass(milliseconds: number): void {
  scene.now += milliseconds
  scene.router.sweep()
}

function connectionsOf(...sessionEntries: readonly RecordingSessionEntry[]): number[] {
  return sessionEntries.map(({ session }) => scene.router.halvesOf(session).size / 2)
}

function gaveWay(): number {
  return scene.counters.snapshot().reset['gave way'] ?? 0
}

describe('where a peer that is dialled has no room', () => {
  test('whoever has the most gives way, until others have as much', () => {
    openMany(alice, 8)
    expect(connectionsOf(alice, bob)).toEqual([8, 8])
    expect(gaveWay()).toBe(0)
    const carol = joined('203.0.113.9')
    expect(openMany(carol, 5)).toEqual([undefined, undefined, undefined, undefined, WIRE_ERRORS.calleeFull])
    expect(connectionsOf(alice, carol, bob)).toEqual([4, 4, 8])
    expect(gaveWay()).toBe(4)
    expect(scene.counters.snapshot().refused).toEqual({ 'stream limit of callee': 1 })
    // Both ends are told on both halves.
    for (const { recording } of [alice, bob]) {
      const errors = recording.sent.filter(([kind]) => kind === 'error')
      expect(errors.map(([, , reason]) => reason)).toEqual(Array.from({ length: 8 }, () => WIRE_ERRORS.evicted))
    }
  })

  test('sessions of one network have one share, and share it among them', () => {
    const crowd = [1, 2, 3, 4].map(() => joined('203.0.113.9'))
    for (const each of crowd) openMany(each, 2)
    expect(openMany(alice, 5)).toEqual([undefined, undefined, undefined, undefined, WIRE_ERRORS.calleeFull])
    expect(connectionsOf(alice, ...crowd)).toEqual([4, 1, 1, 1, 1])
    const late = joined('203.0.113.9')
    expect(open(late)).toBe(WIRE_ERRORS.calleeFull)
    const other = joined('203.0.113.10')
    expect(open(other)).toBeUndefined()
    expect(connectionsOf(alice, other)).toEqual([4, 1])
    expect(connectionsOf(...crowd).toSorted()).toEqual([0, 1, 1, 1])
  })

  test('in a network the session with the most gives way to its neighbours', () => {
    const [hog, neighbour] = [joined('203.0.113.9'), joined('203.0.113.9')]
    openMany(hog, 8)
    expect(openMany(neighbour, 5).filter((error) => error !== undefined)).toEqual([WIRE_ERRORS.calleeFull])
    expect(connectionsOf(hog, neighbour)).toEqual([4, 4])
  })

  test('sessions of exempt addresses have a share each', () => {
    const [one, other] = [joined('127.0.0.1', true), joined('127.0.0.1', true)]
    openMany(one, 4)
    openMany(other, 4)
    expect(open(alice)).toBeUndefined()
    expect(connectionsOf(alice, one, other)).toEqual([1, 3, 4])
  })

  test('the connection that was used least lately goes first', () => {
    openMany(alice, 8)
    pass(1_000)
    use(alice, 0, 1, 3, 4, 5, 6, 7)
    pass(1_000)
    expect(scene.router.find(alice.session, 'd3.dialer')).toBeDefined()
    open(joined('203.0.113.9'))
    expect(scene.router.find(alice.session, 'd3.dialer')).toBeUndefined()
    expect(connectionsOf(alice)).toEqual([7])
  })

  test('one of equals gives way only once it is quiet', () => {
    const crowd = [1, 2, 3, 4, 5, 6, 7, 8].map((host) => joined(`203.0.113.${host}`))
    for (const each of crowd) open(each)
    const late = joined('203.0.113.9')
    pass(QUIET - 1_000)
    expect(open(late)).toBe(WIRE_ERRORS.calleeFull)
    use(crowd[0] ?? expect.fail(), 0)
    pass(1_000)
    expect(open(late)).toBeUndefined()
    expect(connectionsOf(late, ...crowd)).toEqual([1, 1, 0, 1, 1, 1, 1, 1, 1])
    // It has as many as the others by now.
    expect(open(late)).toBe(WIRE_ERRORS.calleeFull)
  })

  test('what it dialled itself stays', () => {
    for (let dial = 0; dial < 8; dial++) expect(openFromBob()).toBeUndefined()
    pass(QUIET)
    expect(open(alice)).toBe(WIRE_ERRORS.calleeFull)
    expect(openFromBob()).toBe(WIRE_ERRORS.tooManyStreams)
    expect(connectionsOf(bob)).toEqual([8])
  })

  test('dials that it has not answered give way like others, and their dialers are told', () => {
    for (let dial = 0; dial < 8; dial++) scene.dialBob(`p${dial}`)
    expect(bob.recording.requests).toHaveLength(8)
    const carol = joined('203.0.113.9')
    scene.dialBob('c', carol)
    expect(gaveWay()).toBe(1)
    for (let asked = 0; asked < 9; asked++) bob.recording.answer()
    const answers = scene.journal.filter(([kind]) => kind === 'answer').map(([, error]) => error)
    expect(answers).toEqual([WIRE_ERRORS.evicted, ...Array.from({ length: 8 }, () => undefined)])
    expect(connectionsOf(alice, carol, bob)).toEqual([7, 1, 8])
  })
})

describe('a peer that has no room for its own dials', () => {
  test('gets a quarter of it, whatever is used', () => {
    openMany(alice, 8)
    expect([1, 2, 3].map(() => openFromBob())).toEqual([undefined, undefined, WIRE_ERRORS.tooManyStreams])
    expect(connectionsOf(alice, bob)).toEqual([6, 8])
    expect(scene.counters.snapshot()).toMatchObject({ refused: { 'stream limit': 1 }, reset: { 'gave way': 2 } })
  })

  test('gets more of what is quiet', () => {
    openMany(alice, 8)
    pass(QUIET)
    use(alice, 0, 1, 2, 3)
    for (let dial = 0; dial < 4; dial++) expect(openFromBob()).toBeUndefined()
    expect(openFromBob()).toBe(WIRE_ERRORS.tooManyStreams)
    expect(connectionsOf(alice, bob)).toEqual([4, 8])
  })

  test('loses nothing by a dial that is refused', () => {
    openMany(alice, 8)
    scene.dial(bob, BOB.legacy, ALICE.legacy, 'd1')
    expect(scene.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.dialIdInUse])
    scene.dial(bob, BOB.legacy, address(9).legacy, 'x')
    expect(scene.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.peerNotFound])
    expect(connectionsOf(alice, bob)).toEqual([8, 8])
  })
})

describe('dials from another node', () => {
  let near: TestNode
  let far: TestNode
  let callee: RecordingSessionEntry

  beforeEach(async () => {
    const star = new LocalStar()
    near = await new TestNode(star, 'near').start()
    far = await new TestNode(star, 'far').start()
    callee = far.join('callee', BOB)
    await settled()
  })

  function dialerAt(node: TestNode, ip: string, exempt = false): RecordingSessionEntry {
    serial++
    return node.join(`peer ${serial}`, address(100 + serial), true, { remote: { ip, exempt, scope: 'global' } })
  }

  async function dialCallee(node: TestNode, dialer: RecordingSessionEntry): Promise<void> {
    node.dial(dialer, BOB, `d${++serial}`)
    await settled()
    if (callee.recording.requests.length > 0) callee.recording.answer()
    await settled()
  }

  function halvesOf(node: TestNode, ...dialers: readonly RecordingSessionEntry[]): number[] {
    return dialers.map(({ session }) => node.router.halvesOf(session).size)
  }

  test('count with those of the same network at this one', async () => {
    const crowd = [1, 2, 3, 4].map(() => dialerAt(near, '203.0.113.9'))
    await settled()
    for (const each of crowd) await dialCallee(near, each)
    const here = dialerAt(far, '203.0.113.9')
    for (let dial = 0; dial < 4; dial++) await dialCallee(far, here)
    expect(halvesOf(far, callee)).toEqual([STREAMS])
    const other = dialerAt(near, '203.0.113.10')
    await settled()
    for (let dial = 0; dial < 4; dial++) await dialCallee(near, other)
    expect(halvesOf(near, other)).toEqual([8])
    expect(halvesOf(far, callee)).toEqual([STREAMS])
    expect(far.counters.snapshot().reset).toEqual({ 'gave way': 4 })
    await dialCallee(near, other)
    expect(near.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.calleeFull])
    // The session with the most of that network came first, and the channels of the others are closed at both nodes.
    const left = [...halvesOf(near, ...crowd), ...halvesOf(far, here)]
    expect(left.reduce((sum, size) => sum + size)).toBe(8)
    expect(near.channels.size).toBe(far.channels.size)
  })

  test('of exempt addresses count by peer', async () => {
    const [hog, neighbour] = [dialerAt(near, '127.0.0.1', true), dialerAt(near, '127.0.0.1', true)]
    await settled()
    for (let dial = 0; dial < 8; dial++) await dialCallee(near, hog)
    for (let dial = 0; dial < 4; dial++) await dialCallee(near, neighbour)
    expect(halvesOf(near, hog, neighbour)).toEqual([8, 8])
    expect(hog.recording.sent.filter(([, , reason]) => reason === WIRE_ERRORS.evicted)).toHaveLength(8)
  })
})
