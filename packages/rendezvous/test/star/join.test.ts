import { JOIN_DATA_MAX_LENGTH, parseNonce, WIRE_ERRORS } from '@websocket-star/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OwnNames } from '../../src/names/own-names.js'
import type { RefusalReason } from '../../src/stats.js'
import { address, addressWithoutPeer, OTHER_PREFIX, PREFIX } from '../support/addresses.js'
import { createIdentity, RSA_1024, type Identity } from '../support/identity.js'
import { budgetWith } from '../support/budget.js'
import { createJoining, type JoiningSetup } from '../support/joining.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

let alice: Identity
let bob: Identity

beforeAll(async () => {
  alice = await createIdentity()
  bob = await createIdentity()
})

let star: JoiningSetup
let sessionEntry: RecordingSessionEntry

beforeEach(() => {
  star = createJoining()
  sessionEntry = createSessionEntry('sessionEntry')
})

function expectRefused(answer: unknown[], message: string, reason: RefusalReason): void {
  expect(answer).toEqual([message])
  expect(star.counters.snapshot()).toMatchObject({ joins: { success: 0, failure: 1 }, refused: { [reason]: 1 } })
  expect(star.registry.size).toBe(0)
  expect(sessionEntry.addresses.size).toBe(0)
}

describe('joining', () => {
  test('takes a public key and the signature of the nonce it is answered with', async () => {
    expect(await star.joinAs(sessionEntry, alice)).toEqual([null, null, []])
    expect(star.registry.findHere(alice.address())?.sessionEntry).toBe(sessionEntry)
    expect(star.counters.snapshot()).toMatchObject({ joins: { total: 1, success: 1, failure: 0 }, refused: {} })
    expect(star.joining.pendingChallenges).toBe(0)
    expect(sessionEntry.pendingJoins.size).toBe(0)
  })

  test('the nonce names the address, and each is another', async () => {
    const nonces = [await star.challenge(sessionEntry, alice), await star.challenge(createSessionEntry('other'), alice)]
    expect(nonces.map((nonce) => parseNonce(nonce).address)).toEqual([alice.address(), alice.address()])
    expect(nonces[0]).not.toBe(nonces[1])
    expect(star.counters.joins).toEqual({ total: 2, success: 0, failure: 0 })
  })

  test('every spelling of an address is the same', async () => {
    const nonce = await star.challenge(sessionEntry, alice)
    const answer = await star.join(sessionEntry, `${alice.address().canonical}/`, await alice.sign(nonce))
    expect(answer).toEqual([null, null, []])
  })

  test('other clients are told of the newcomer before its join is answered', async () => {
    const journal: unknown[][] = []
    await star.joinAs(createSessionEntry('first', journal), bob)
    const nonce = await star.challenge(sessionEntry, alice)
    await star.joining.join(sessionEntry, [alice.address().legacy, await alice.sign(nonce)], (...answer) => {
      journal.push(['answer', ...answer])
    })
    expect(journal).toEqual([
      ['first', 'text', `2["ws-peer","${alice.address().legacy}"]`],
      ['answer', null, null, [bob.address().legacy]]
    ])
  })

  test('a client that wants deltas gets an empty list, and a full one right after', async () => {
    await star.joinAs(createSessionEntry('first'), bob)
    const journal: unknown[][] = []
    const modern = createSessionEntry('modern', journal)
    modern.recording.peers = 'deltas'
    const signature = await alice.sign(await star.challenge(modern, alice))
    for (let round = 0; round < 2; round++) {
      await star.joining.join(modern, [alice.address().legacy, signature], (...answer) => {
        journal.push(['answer', ...answer])
      })
    }
    expect(journal).toEqual([
      ['answer', null, null, []],
      ['modern', 'text', `2["ss-peers",{"joined":["${bob.address().canonical}"],"left":[],"full":true}]`],
      ['answer', null, null, []]
    ])
    star.discovery.stop()
  })

  test('a repeated join is answered alike and announced to nobody', async () => {
    const other = createSessionEntry('other')
    await star.joinAs(other, bob)
    const first = await star.joinAs(sessionEntry, alice)
    const told = other.recording.sent.length
    expect(await star.join(sessionEntry, alice.address().canonical, 'whatever')).toEqual(first)
    expect(other.recording.sent).toHaveLength(told)
    expect(star.counters.joins).toMatchObject({ success: 2, failure: 0 })
  })

  test('the latest session that proves its key owns the peer, and the one before stays in the registry', async () => {
    const older = createSessionEntry('older')
    await star.joinAs(older, alice)
    expect(await star.joinAs(sessionEntry, alice)).toEqual([null, null, []])
    expect(star.registry.findHere(alice.address())?.sessionEntry).toBe(sessionEntry)
    expect(older.addresses.size).toBe(1)
  })

  test('a request without an acknowledgement is handled all the same', async () => {
    const nonce = await star.challenge(sessionEntry, alice)
    await star.joining.join(sessionEntry, [alice.address().legacy, await alice.sign(nonce)], undefined)
    await star.joining.join(sessionEntry, [], undefined)
    expect(star.registry.size).toBe(1)
    expect(star.counters.joins).toMatchObject({ success: 1, failure: 1 })
  })
})

describe('the total of joins', () => {
  test('counts first rounds, and second ones that fail, as the old server did', async () => {
    await star.joinAs(sessionEntry, alice)
    expect(star.counters.joins).toEqual({ total: 1, success: 1, failure: 0 })
    await star.join(sessionEntry, PREFIX, '')
    expect(star.counters.joins).toEqual({ total: 2, success: 1, failure: 1 })
    await star.challenge(sessionEntry, bob)
    await star.join(sessionEntry, bob.address().legacy, 'deadbeef')
    expect(star.counters.joins).toEqual({ total: 4, success: 1, failure: 2 })
  })

  test('leaves out a join that was made before', async () => {
    await star.joinAs(sessionEntry, alice)
    await star.join(sessionEntry, alice.address().legacy, '')
    expect(star.counters.joins).toEqual({ total: 1, success: 1, failure: 0 })
  })
})

test('an internal error in a join is reported and answered; an error of the client is not reported', async () => {
  await star.join(sessionEntry, PREFIX, '')
  await star.join(sessionEntry, 5)
  expect(star.faults).toEqual([])
  const poisoned = new Proxy([], {
    get: () => {
      throw new RangeError('poisoned')
    }
  })
  const answers: unknown[][] = []
  await star.joining.join(sessionEntry, poisoned, (...answer) => void answers.push(answer))
  expect(answers).toEqual([[WIRE_ERRORS.internal]])
  expect(star.faults).toEqual([expect.any(RangeError)])
})

describe('a first round is refused', () => {
  test.each<[string, unknown[], string | RegExp, RefusalReason]>([
    ['with no address', [], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['with a number for an address', [5, ''], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['with what is no multiaddr', ['star.example.com', ''], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['with another kind of address', [addressWithoutPeer(1).canonical, ''], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['with an address without a peer', [PREFIX, ''], WIRE_ERRORS.invalidMultiaddr, 'address'],
    ['with no key', [address(1).legacy], WIRE_ERRORS.challengeRequired, 'challenge required'],
    ['with null for a key', [address(1).legacy, null], WIRE_ERRORS.challengeRequired, 'challenge required'],
    ['with an empty key', [address(1).legacy, ''], WIRE_ERRORS.challengeRequired, 'challenge required'],
    ['with what is no key', [address(1).legacy, 'deadbeef'], WIRE_ERRORS.cryptoError, 'crypto'],
    ['with an object for a key', [address(1).legacy, {}], /^Invalid request: ss-join/, 'request'],
    ['with a key too long', [PREFIX, 'a'.repeat(JOIN_DATA_MAX_LENGTH + 1)], /^Invalid request: ss-join/, 'request']
  ])('%s', async (_, args, message, reason) => {
    const answer = await star.join(sessionEntry, ...args)
    if (typeof message !== 'string') expect(answer).toEqual([expect.stringMatching(message)])
    expectRefused(answer, typeof message === 'string' ? message : String(answer[0]), reason)
    expect(sessionEntry.pendingJoins.size).toBe(0)
  })

  test('with the key of another peer', async () => {
    const answer = await star.join(sessionEntry, alice.address().legacy, bob.publicKey)
    expectRefused(answer, WIRE_ERRORS.idNotMatching, 'id mismatch')
  })

  test('with no peer id to prove, whatever addresses are accepted', async () => {
    star = createJoining({ strictMultiaddr: false })
    const answer = await star.join(sessionEntry, addressWithoutPeer(1).canonical, alice.publicKey)
    expectRefused(answer, WIRE_ERRORS.invalidMultiaddr, 'address')
  })

  test('with an RSA key smaller than allowed', async () => {
    star = createJoining({ minRsaBits: 4096 })
    const answer = await star.join(sessionEntry, `${PREFIX}/p2p/${RSA_1024.peerId}`, RSA_1024.publicKey)
    expectRefused(answer, WIRE_ERRORS.cryptoError, 'crypto')
    star = createJoining({ minRsaBits: 1024 })
    expect(await star.join(sessionEntry, `${PREFIX}/p2p/${RSA_1024.peerId}`, RSA_1024.publicKey)).toHaveLength(2)
  })

  test('under a prefix this star is not known by', async () => {
    star = createJoining({ names: new OwnNames([OTHER_PREFIX]) })
    const answer = await star.join(sessionEntry, alice.address(PREFIX).legacy, alice.publicKey)
    const error = `${WIRE_ERRORS.unknownPublicAddress}: ${PREFIX}. It is ${OTHER_PREFIX}`
    expectRefused(answer, error, 'public address')
    expect(await star.joinAs(sessionEntry, alice, OTHER_PREFIX)).toEqual([null, null, []])
  })

  test('when it comes too often', async () => {
    const eager = createSessionEntry('eager', [], { budget: budgetWith({ joinRoundsPerSecond: 0.5 }) })
    await star.joinAs(eager, alice)
    expect(await star.join(eager, bob.address().legacy, bob.publicKey)).toEqual([WIRE_ERRORS.tooManyRequests])
    expect(star.counters.snapshot().refused).toEqual({ 'rate limit': 1 })
  })

  test('when the session has as many addresses as it may, joins under way among them', async () => {
    star = createJoining({ addressesPerSession: 2 })
    await star.joinAs(sessionEntry, alice)
    await star.challenge(sessionEntry, bob)
    const answer = await star.join(sessionEntry, alice.address(OTHER_PREFIX).legacy, alice.publicKey)
    expect(answer).toEqual([WIRE_ERRORS.tooManyAddresses])
    expect(star.counters.snapshot().refused).toEqual({ 'address limit': 1 })
    star.joining.cancel(sessionEntry, bob.address().canonical)
    expect(await star.joinAs(sessionEntry, alice, OTHER_PREFIX)).toEqual([null, null, []])
  })

  test('when as many prefixes are live as may be', async () => {
    star = createJoining({}, 1)
    await star.joinAs(createSessionEntry('other'), alice)
    expect(await star.join(sessionEntry, bob.address(OTHER_PREFIX).legacy, bob.publicKey)).toEqual([
      WIRE_ERRORS.tooManyPrefixes
    ])
    expect(star.counters.snapshot().refused).toEqual({ 'prefix limit': 1 })
    expect(await star.joinAs(sessionEntry, bob)).toEqual([null, null, [alice.address().legacy]])
  })
})
