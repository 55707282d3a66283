import { strict as assert } from 'node:assert'
import { WIRE_ERRORS } from '@websocket-star/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalStar } from '../../src/cluster/local-backplane.js'
import { address } from '../support/addresses.js'
import type { RecordingSessionEntry } from '../support/session-entry.js'
import { HIGH_WATER_MARK, settled, TestNode, WINDOW } from '../support/nodes.js'

const ALICE = address(1)
const BOB = address(2)

let near: TestNode
let far: TestNode
let alice: RecordingSessionEntry
let bob: RecordingSessionEntry

beforeEach(async () => {
  const star = new LocalStar()
  near = await new TestNode(star, 'near').start()
  far = await new TestNode(star, 'far').start()
  alice = near.join('alice', ALICE)
  bob = far.join('bob', BOB)
  await settled()
  // They were told of each other.
  near.journal.length = 0
  far.journal.length = 0
})

afterEach(() => {
  assert.deepEqual([...near.faults, ...far.faults], [])
})

async function dialled(): Promise<void> {
  near.dial(alice, BOB)
  await settled()
  bob.recording.answer()
  await settled()
}

/** Opens a half: its receiver accepts, with a window if it knows such. */
async function accepted(node: TestNode, receiver: RecordingSessionEntry, half: string, window?: number): Promise<void> {
  node.router.route(receiver.session, { kind: 'accept', stream: `a.${half}`, window })
  await settled()
}

function send(node: TestNode, sender: RecordingSessionEntry, half: string, bytes: Buffer): void {
  node.router.chunk(node.router.find(sender.session, `a.${half}`) ?? expect.fail(), sender.session, bytes, 0)
}

function chunksOf({ sent }: { sent: readonly unknown[][] }): Buffer {
  return Buffer.concat(sent.filter(([kind]) => kind === 'chunk').map(([, , bytes]) => bytes as Buffer))
}

function errorsOf({ sent }: { sent: readonly unknown[][] }): unknown[][] {
  return sent.filter(([kind]) => kind === 'error')
}

describe('a dial across nodes', () => {
  test('asks the peer, and is answered when that has answered', async () => {
    near.dial(alice, BOB)
    await settled()
    expect(far.journal).toEqual([['bob', 'request', 'ss-incomming', 'a', ALICE.legacy]])
    expect(near.journal).toEqual([])
    bob.recording.answer()
    await settled()
    expect(near.journal).toEqual([['answer']])
    expect([near.router.size, far.router.size]).toEqual([2, 2])
    expect(near.counters.dials).toEqual({ total: 1, success: 1, failure: 0 })
    expect(far.counters.dials.total).toBe(0)
  })

  test.each([
    ['is refused by the peer', () => bob.recording.answer('not today'), 'not today'],
    ['is not answered in time', () => bob.recording.failToAnswer('timeout'), WIRE_ERRORS.dialTimeout],
    ['is not answered, as the peer has left', () => bob.recording.failToAnswer('closed'), WIRE_ERRORS.peerLeft]
  ])('%s', async (_, end, message) => {
    near.dial(alice, BOB)
    await settled()
    end()
    await settled()
    expect(near.journal).toContainEqual(['answer', message])
    expect([near.router.size, far.router.size]).toEqual([0, 0])
    expect([near.channels.size, far.channels.size]).toEqual([0, 0])
  })

  test('is given up when the other node does not answer', async () => {
    near.dial(alice, BOB)
    await expect.poll(() => near.journal).toContainEqual(['answer', WIRE_ERRORS.dialTimeout])
    bob.recording.answer()
    await settled()
    expect([near.router.size, far.router.size, near.channels.size, far.channels.size]).toEqual([0, 0, 0, 0])
  })

  test('is refused while its id is live at the other end', async () => {
    const carol = far.join('carol', address(3))
    await dialled()
    near.journal.length = 0
    far.dial(carol, BOB)
    await settled()
    expect(far.journal).toContainEqual(['answer', WIRE_ERRORS.dialIdInUse])
    const dave = near.join('dave', address(4))
    near.dial(dave, BOB)
    await settled()
    expect(near.journal).toContainEqual(['answer', WIRE_ERRORS.dialIdInUse])
  })

  test('of oneself on another node is refused', async () => {
    const elsewhere = far.join('alice too', ALICE)
    await settled()
    near.dial(alice, ALICE)
    expect(near.journal).toContainEqual(['answer', WIRE_ERRORS.cannotDialSelf])
    expect(elsewhere.recording.requests).toEqual([])
  })

  test('of an unknown peer asks the registry of the star first', async () => {
    near.dial(alice, address(9))
    expect(near.journal).not.toContainEqual(['answer', WIRE_ERRORS.peerNotFound])
    await settled()
    expect(near.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.peerNotFound])
  })

  test('whose id is live is not looked up', async () => {
    near.dial(alice, BOB)
    near.dial(alice, address(9))
    expect(near.journal).toContainEqual(['answer', WIRE_ERRORS.dialIdInUse])
    await settled()
    bob.recording.answer()
    await settled()
    near.lose(alice)
    await settled()
    expect([near.router.size, far.router.size, far.router.halvesOf(bob.session).size]).toEqual([0, 0, 0])
  })

  test('goes to the present owner of the peer', async () => {
    const third = far.join('bob again', BOB)
    far.lose(bob)
    await settled()
    near.dial(alice, BOB)
    await settled()
    third.recording.answer()
    await settled()
    expect(near.journal).toContainEqual(['answer'])
  })
})

describe('chunks across nodes', () => {
  test('come in order in both directions, and the end after them', async () => {
    await dialled()
    await accepted(far, bob, 'dialer', 1_000_000)
    await accepted(near, alice, 'listener', 1_000_000)
    const pieces = Array.from({ length: 50 }, (_, index) => Buffer.alloc(100 + index, index))
    for (const piece of pieces) {
      send(near, alice, 'dialer', piece)
      send(far, bob, 'listener', piece)
    }
    near.router.route(alice.session, { kind: 'error', stream: 'a.dialer', reason: true })
    far.router.route(bob.session, { kind: 'error', stream: 'a.listener', reason: true })
    await settled()
    expect(chunksOf(bob.recording)).toEqual(Buffer.concat(pieces))
    expect(chunksOf(alice.recording)).toEqual(Buffer.concat(pieces))
    expect(bob.recording.sent.at(-1)).toEqual(['error', 'a.dialer', true])
    expect(alice.recording.sent.at(-1)).toEqual(['error', 'a.listener', true])
    expect([near.channels.size, far.channels.size]).toEqual([0, 0])
  })

  test('keep to the window of the receiver', async () => {
    await dialled()
    await accepted(far, bob, 'dialer', 1_000)
    expect(alice.recording.sent).toContainEqual(['accept', 'a.dialer', 1_000])
    send(near, alice, 'dialer', Buffer.alloc(1_000))
    far.router.route(bob.session, { kind: 'credit', stream: 'a.dialer', bytes: 500 })
    await settled()
    expect(alice.recording.sent).toContainEqual(['credit', 'a.dialer', 500])
    send(near, alice, 'dialer', Buffer.alloc(501))
    await settled()
    expect(errorsOf(bob.recording)).toContainEqual(['error', 'a.dialer', WIRE_ERRORS.windowExceeded])
    expect(errorsOf(alice.recording)).toContainEqual(['error', 'a.dialer', WIRE_ERRORS.windowExceeded])
  })

  test('a legacy sender is paused while its receiver is full, and goes on after', async () => {
    alice.recording.extended = false
    bob.recording.extended = false
    await dialled()
    await accepted(far, bob, 'dialer')
    bob.recording.recordingLink.buffered = HIGH_WATER_MARK * 2
    const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(1_000, index))
    for (const piece of pieces) {
      send(near, alice, 'dialer', piece)
      await settled()
      if (alice.recording.recordingLink.paused) break
    }
    const sent = near.counters.relayed.bytes
    expect(alice.recording.recordingLink.paused).toBe(true)
    expect(chunksOf(bob.recording).length).toBeLessThanOrEqual(WINDOW.initial)
    bob.recording.recordingLink.buffered = 0
    far.flow.drained(bob.session)
    await settled()
    expect(alice.recording.recordingLink.paused).toBe(false)
    expect(chunksOf(bob.recording)).toEqual(Buffer.concat(pieces).subarray(0, sent))
  })

  test('a receiver that takes nothing keeps no more than a window, and both are reset when too much is kept', async () => {
    await dialled()
    await accepted(far, bob, 'dialer', 10_000_000)
    bob.recording.recordingLink.buffered = HIGH_WATER_MARK * 9
    for (let sent = 0; sent < 200; sent++) {
      send(near, alice, 'dialer', Buffer.alloc(1_000))
      await settled()
    }
    expect(far.channels.kept).toBeLessThanOrEqual(WINDOW.max + 1_192)
    expect(near.channels.kept).toBeGreaterThan(65_536)
    near.channels.sweep()
    expect(near.channels.kept).toBe(0)
    bob.recording.recordingLink.buffered = 0
    far.flow.drained(bob.session)
    await settled()
    expect(errorsOf(bob.recording)).toContainEqual(['error', 'a.dialer', WIRE_ERRORS.receiverTooSlow])
    expect(errorsOf(alice.recording)).toContainEqual(['error', 'a.dialer', WIRE_ERRORS.receiverTooSlow])
    expect([near.channels.kept, near.channels.size, near.router.size, far.router.size]).toEqual([0, 0, 0, 0])
  })

  test('a stream that is stopped by its receiver stops at its sender', async () => {
    await dialled()
    await accepted(far, bob, 'dialer', 1_000_000)
    far.router.route(bob.session, { kind: 'error', stream: 'a.dialer', reason: 'enough' })
    await settled()
    expect(alice.recording.sent.at(-1)).toEqual(['error', 'a.dialer', 'enough'])
    expect([near.router.size, far.router.size]).toEqual([1, 1])
  })
})

describe('when somebody goes', () => {
  test('a client: its streams end at the other node', async () => {
    await dialled()
    near.lose(alice)
    await settled()
    expect(errorsOf(bob.recording)).toEqual([
      ['error', 'a.dialer', WIRE_ERRORS.peerLeft],
      ['error', 'a.listener', WIRE_ERRORS.peerLeft]
    ])
    expect([near.channels.size, far.channels.size, far.router.size]).toEqual([0, 0, 0])
  })

  test('a node: the streams and the dials that go there end', async () => {
    await dialled()
    near.dial(alice, BOB, 'b')
    await settled()
    await far.backplane.stop()
    await settled()
    expect(errorsOf(alice.recording)).toContainEqual(['error', 'a.dialer', WIRE_ERRORS.nodeLost])
    expect(errorsOf(alice.recording)).toContainEqual(['error', 'a.listener', WIRE_ERRORS.nodeLost])
    expect(near.journal).toContainEqual(['answer', WIRE_ERRORS.nodeLost])
    expect([near.channels.size, near.router.size]).toEqual([0, 0])
    near.dial(alice, BOB, 'c')
    await settled()
    expect(near.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.peerNotFound])
  })

  test('this node from the star: others cannot be dialled', async () => {
    await near.backplane.stop()
    near.dial(alice, BOB)
    await settled()
    expect(near.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.notReachable])
  })
})
