import { WIRE_ERRORS } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Registry } from '../../src/registry/registry.js'
import type { Router } from '../../src/relay/router.js'
import type { Dialing, DialOptions } from '../../src/star/dial.js'
import type { Counters, RefusalReason } from '../../src/stats.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { ALICE, BOB, DialScene } from '../support/dialing.js'
import type { RecordingSessionEntry } from '../support/session-entry.js'

const PAYLOAD = Buffer.from('hello')

let scene: DialScene
let registry: Registry
let router: Router
let counters: Counters
let dialing: Dialing
let journal: unknown[][]
let alice: RecordingSessionEntry
let bob: RecordingSessionEntry

function create(options: Partial<DialOptions> = {}, streamsPerSession?: number): void {
  scene = new DialScene(options, streamsPerSession)
  ;({ registry, router, counters, dialing, journal, alice, bob } = scene)
}

function joined(name: string, ...addresses: readonly (typeof ALICE)[]): RecordingSessionEntry {
  return scene.joined(name, ...addresses)
}

function dial(from: RecordingSessionEntry, ...args: unknown[]): void {
  scene.dial(from, ...args)
}

function dialBob(dialId?: string, from?: RecordingSessionEntry): void {
  scene.dialBob(dialId, from)
}

function sendChunk(from: RecordingSessionEntry, stream: string): void {
  const half = scene.router.find(from.session, stream)
  if (half !== undefined) scene.router.chunk(half, from.session, PAYLOAD, 0)
}

function expectRefused(message: unknown, reason: RefusalReason): void {
  expect(journal.at(-1)).toEqual(['answer', message])
  expect(counters.snapshot()).toMatchObject({ dials: { success: 0, failure: 1 }, refused: { [reason]: 1 } })
}

beforeEach(() => create())

describe('a dial', () => {
  test('asks the dialled peer, and answers when that has', () => {
    dialBob()
    expect(journal).toEqual([['bob', 'request', 'ss-incomming', 'a', ALICE.legacy]])
    expect(bob.recording.requests[0]?.timeout).toBe(15_000)
    bob.recording.answer()
    expect(journal.slice(1)).toEqual([['answer']])
    expect(counters.snapshot()).toMatchObject({ dials: { total: 1, success: 1, failure: 0 }, refused: {} })
  })

  test("its dialer's half is there before the answer, its listener's half after it", () => {
    bob.recording.extended = true
    dialBob()
    expect(scene.router.find(bob.session, 'a.dialer')).toBeDefined()
    expect(scene.router.find(bob.session, 'a.listener')).toBeUndefined()
    router.route(bob.session, { kind: 'accept', stream: 'a.dialer', window: undefined })
    bob.recording.answer()
    router.route(alice.session, { kind: 'accept', stream: 'a.listener', window: 5 })
    expect(journal.slice(1)).toEqual([
      ['alice', 'accept', 'a.dialer', undefined],
      ['answer'],
      ['bob', 'accept', 'a.listener', 5]
    ])
  })

  test('its halves go both ways and end together', () => {
    dialBob()
    bob.recording.answer(null)
    router.route(bob.session, { kind: 'accept', stream: 'a.dialer', window: undefined })
    router.route(alice.session, { kind: 'accept', stream: 'a.listener', window: undefined })
    sendChunk(alice, 'a.dialer')
    sendChunk(bob, 'a.listener')
    expect(bob.recording.sent.at(-1)).toEqual(['chunk', 'a.dialer', PAYLOAD])
    expect(alice.recording.sent.at(-1)).toEqual(['chunk', 'a.listener', PAYLOAD])
    router.detach(bob.session)
    expect(alice.recording.sent.slice(-2)).toEqual([
      ['error', 'a.dialer', WIRE_ERRORS.peerLeft],
      ['error', 'a.listener', WIRE_ERRORS.peerLeft]
    ])
    expect(router.size).toBe(0)
  })

  test('names the dialer under the prefix of the callee, for dialling back', () => {
    const carol = joined('carol', address(3, OTHER_PREFIX))
    dial(alice, ALICE.canonical, address(3).legacy, 'a')
    expect(carol.recording.requests[0]?.args).toEqual(['a', `${OTHER_PREFIX}/ipfs/${peerId(1)}`])
  })

  test('between addresses without a peer id is made under their texts', () => {
    const [one, two] = [addressWithoutPeer(1), addressWithoutPeer(2)]
    const carol = joined('carol', one)
    const dave = joined('dave', two)
    dial(carol, one.canonical, two.canonical, 'a')
    expect(dave.recording.requests[0]?.args).toEqual(['a', one.legacy])
    dial(carol, one.canonical, BOB.legacy, 'b')
    expect(bob.recording.requests[0]?.args).toEqual(['b', one.legacy])
    dial(alice, ALICE.legacy, two.canonical, 'c')
    expect(dave.recording.requests[1]?.args).toEqual(['c', ALICE.legacy])
  })

  test('goes to the session with exactly this address, else to the owner of the peer', () => {
    const away = joined('away', address(2, OTHER_PREFIX))
    dial(alice, ALICE.legacy, BOB.legacy, 'a')
    dial(alice, ALICE.legacy, address(2, OTHER_PREFIX).legacy, 'b')
    dial(alice, ALICE.legacy, address(2, '/dns4/elsewhere.example/wss/p2p-websocket-star').legacy, 'c')
    expect(bob.recording.requests.map(({ args }) => args[0])).toEqual(['a'])
    expect(away.recording.requests.map(({ args }) => args[0])).toEqual(['b', 'c'])
  })

  test('may bear the id of one that has ended', () => {
    dialBob()
    bob.recording.answer()
    router.route(alice.session, { kind: 'error', stream: 'a.dialer', reason: true })
    router.route(bob.session, { kind: 'error', stream: 'a.listener', reason: true })
    dialBob()
    bob.recording.answer()
    expect(counters.dials).toEqual({ total: 2, success: 2, failure: 0 })
    expect(router.size).toBe(2)
  })

  test('needs no way to be answered', () => {
    dialing.dial(alice, [ALICE.legacy, BOB.legacy, 'a'], undefined)
    bob.recording.answer()
    dialing.dial(alice, [], undefined)
    expect(counters.dials).toEqual({ total: 2, success: 1, failure: 1 })
  })
})

describe('a dial is refused at once', () => {
  test.each<[string, unknown[], unknown, RefusalReason]>([
    ['without arguments', [], expect.stringMatching(/^Invalid request: ss-dial/), 'request'],
    ['with an empty id', [ALICE.legacy, BOB.legacy, ''], expect.stringMatching(/^Invalid request/), 'request'],
    ['with an id of quotes', [ALICE.legacy, BOB.legacy, 'a"'], expect.stringMatching(/^Invalid request/), 'request'],
    ['with an id too long', [ALICE.legacy, BOB.legacy, 'a'.repeat(129)], expect.stringMatching(/^Invalid/), 'request'],
    ['from what is no address', ['alice', BOB.legacy, 'a'], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['to what is no address', [ALICE.legacy, 7, 'a'], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ["from another's address", [BOB.legacy, BOB.legacy, 'a'], WIRE_ERRORS.notAuthorized, 'not authorized'],
    [
      'from its own peer under a prefix it has not joined with',
      [address(1, OTHER_PREFIX).legacy, BOB.legacy, 'a'],
      WIRE_ERRORS.notAuthorized,
      'not authorized'
    ],
    ['to a peer that is not there', [ALICE.legacy, address(9).legacy, 'a'], WIRE_ERRORS.peerNotFound, 'peer not found'],
    ['to the star itself', [ALICE.legacy, PREFIX, 'a'], WIRE_ERRORS.peerNotFound, 'peer not found'],
    ['to itself', [ALICE.legacy, ALICE.legacy, 'a'], WIRE_ERRORS.cannotDialSelf, 'own peer'],
    ['to its own peer', [ALICE.legacy, address(1, OTHER_PREFIX).legacy, 'a'], WIRE_ERRORS.cannotDialSelf, 'own peer']
  ])('%s', (_, args, message, reason) => {
    dial(alice, ...args)
    expectRefused(message, reason)
    expect(counters.dials.total).toBe(1)
    expect(journal).toHaveLength(1)
    expect(router.size).toBe(0)
  })

  test('to its own peer on another session, or another peer on its own', () => {
    joined('other', ALICE)
    registry.claim(alice, address(4))
    dial(alice, ALICE.legacy, ALICE.legacy, 'a')
    dial(alice, ALICE.legacy, address(4).legacy, 'a')
    expect(journal).toEqual([
      ['answer', WIRE_ERRORS.cannotDialSelf],
      ['answer', WIRE_ERRORS.cannotDialSelf]
    ])
  })

  test.each(['asked', 'answered', 'answered, its first half ended'])('with the id of one that was %s', (state) => {
    dialBob()
    if (state !== 'asked') bob.recording.answer()
    if (state.endsWith('ended')) router.route(alice.session, { kind: 'error', stream: 'a.dialer', reason: true })
    const before = router.size
    dialBob()
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.dialIdInUse])
    expect(counters.snapshot().refused).toEqual({ 'dial id': 1 })
    expect(router.size).toBe(before)
  })

  test('with the id of one that the dialer ended before it was answered', () => {
    dialBob()
    router.route(alice.session, { kind: 'error', stream: 'a.dialer', reason: true })
    dialBob()
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.dialIdInUse])
  })

  test("with an id that is live between the dialled peer and someone else, so that nobody gets into another's stream", () => {
    const carol = joined('carol', address(3))
    dialBob()
    bob.recording.answer()
    dialBob('a', carol)
    dial(bob, BOB.legacy, address(3).legacy, 'a')
    expect(journal.slice(-2)).toEqual([
      ['answer', WIRE_ERRORS.dialIdInUse],
      ['answer', WIRE_ERRORS.dialIdInUse]
    ])
  })

  test('when the dialer has as many streams as it may', () => {
    create({}, 4)
    const carol = joined('carol', address(3))
    for (const id of ['a', 'b']) dialBob(id)
    for (let asked = 0; asked < 2; asked++) bob.recording.answer()
    dial(alice, ALICE.legacy, address(3).legacy, 'c')
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.tooManyStreams])
    expect(counters.snapshot().refused).toEqual({ 'stream limit': 1 })
    expect(carol.recording.sent).toEqual([])
  })

  test('when the dialled peer has as many streams as it may', () => {
    create({}, 4)
    const [carol, dave] = [joined('carol', address(3)), joined('dave', address(4))]
    dialBob('a')
    dialBob('b', dave)
    for (let asked = 0; asked < 2; asked++) bob.recording.answer()
    dialBob('c', carol)
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.calleeFull])
    expect(counters.snapshot()).toMatchObject({ refused: { 'stream limit of callee': 1 }, reset: {} })
  })

  test('when those that wait would have more streams than they may, once they are answered', () => {
    create({}, 3)
    for (const id of ['a', 'b']) dialBob(id)
    while (bob.recording.requests.length > 0) bob.recording.answer()
    expect(scene.router.halvesOf(alice.session).size).toBeLessThanOrEqual(3)
  })

  test('when as many of its dials wait as may, until one is answered', () => {
    create({ pendingDialsPerSession: 2 })
    const carol = joined('carol', address(3))
    for (const id of ['a', 'b', 'c']) dialBob(id)
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.tooManyRequests])
    expect(counters.snapshot().refused).toEqual({ 'dial limit': 1 })
    dialBob('d', carol)
    expect(bob.recording.requests).toHaveLength(3)
    bob.recording.answer('no')
    dialBob('e')
    expect(bob.recording.requests).toHaveLength(3)
    dialBob('f')
    expect(journal.at(-1)).toEqual(['answer', WIRE_ERRORS.tooManyRequests])
  })
})

describe('a dial fails', () => {
  test.each<[string, () => void, string, RefusalReason]>([
    ['when it is refused', () => bob.recording.answer('busy'), 'busy', 'dial refused'],
    ['when it is refused by an object', () => bob.recording.answer({ message: 'busy' }), 'busy', 'dial refused'],
    ['when it is refused by anything else', () => bob.recording.answer(true), 'Dial refused', 'dial refused'],
    ['when it is not answered', () => bob.recording.failToAnswer('timeout'), WIRE_ERRORS.dialTimeout, 'dial timeout'],
    ['when the dialled peer goes', () => bob.recording.failToAnswer('closed'), WIRE_ERRORS.peerLeft, 'peer left']
  ])('%s, and nothing is left of it', (_, settle, message, reason) => {
    dialBob()
    settle()
    expectRefused(message, reason)
    expect(router.size).toBe(0)
    expect(scene.router.find(bob.session, 'a.listener')).toBeUndefined()
    expect(alice.recording.sent).toEqual([])
    dialBob()
    expect(bob.recording.requests).toHaveLength(1)
  })

  test('when the dialer sent before it might, whatever the dialled peer answers', () => {
    dialBob()
    sendChunk(alice, 'a.dialer')
    bob.recording.answer()
    expectRefused(WIRE_ERRORS.dataBeforeAccept, 'stream reset')
    expect(router.size).toBe(0)
  })

  test('when the dialer has gone before the answer', () => {
    dialBob()
    router.detach(alice.session)
    bob.recording.answer()
    expectRefused(WIRE_ERRORS.peerLeft, 'stream reset')
    expect(router.size).toBe(0)
  })
})
