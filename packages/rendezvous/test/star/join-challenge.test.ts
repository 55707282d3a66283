import { WIRE_ERRORS } from '@websocket-star/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RefusalReason } from '../../src/stats.js'
import { OTHER_PREFIX } from '../support/addresses.js'
import { createIdentity, type Identity } from '../support/identity.js'
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

/** A join whose signature is being verified. */
async function verifying(): Promise<{ answer: Promise<unknown[]> }> {
  const nonce = await star.challenge(sessionEntry, alice)
  const signature = await alice.sign(nonce)
  // In an object, so that it is not waited for.
  return { answer: star.join(sessionEntry, alice.address().legacy, signature) }
}

describe('a second round is refused', () => {
  test.each([
    ['with the signature of another', (nonce: string) => bob.sign(nonce)],
    ['with the signature of something else', (nonce: string) => alice.sign(`${nonce} `)],
    ['with what is no signature', () => 'signature'],
    ['with nothing', () => ''],
    ['with the public key once more', () => alice.publicKey]
  ])('%s', async (_, sign) => {
    const nonce = await star.challenge(sessionEntry, alice)
    const answer = await star.join(sessionEntry, alice.address().legacy, await sign(nonce))
    expectRefused(answer, WIRE_ERRORS.signatureInvalid, 'signature')
    expect(star.joining.pendingChallenges).toBe(0)
    expect(sessionEntry.pendingJoins.size).toBe(0)
  })

  test('with the right signature after a wrong one: a nonce serves once', async () => {
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    await star.join(sessionEntry, alice.address().legacy, '00')
    expect(await star.join(sessionEntry, alice.address().legacy, signature)).toEqual([WIRE_ERRORS.cryptoError])
  })

  test('with the signature that served once, after the address was left', async () => {
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    expect(await star.join(sessionEntry, alice.address().legacy, signature)).toEqual([null, null, []])
    star.registry.release(sessionEntry, alice.address())
    expect(await star.join(sessionEntry, alice.address().legacy, signature)).toEqual([WIRE_ERRORS.cryptoError])
    expect(star.registry.size).toBe(0)
  })

  test("with another session's nonce", async () => {
    const other = createSessionEntry('other')
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    await star.challenge(other, alice)
    expect(await star.join(other, alice.address().legacy, signature)).toEqual([WIRE_ERRORS.signatureInvalid])
  })

  test("with another address's nonce", async () => {
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    await star.challenge(sessionEntry, alice, OTHER_PREFIX)
    const answer = await star.join(sessionEntry, alice.address(OTHER_PREFIX).legacy, signature)
    expect(answer).toEqual([WIRE_ERRORS.signatureInvalid])
  })

  test('when the address was left in between', async () => {
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    star.joining.cancel(sessionEntry, alice.address().canonical)
    expect(star.joining.pendingChallenges).toBe(0)
    expectRefused(await star.join(sessionEntry, alice.address().legacy, signature), WIRE_ERRORS.cryptoError, 'crypto')
  })

  test('when prefixes have become too many in between', async () => {
    star = createJoining({}, 1)
    const other = createSessionEntry('other')
    const nonce = await star.challenge(sessionEntry, alice)
    const otherNonce = await star.challenge(other, bob, OTHER_PREFIX)
    await star.join(sessionEntry, alice.address().legacy, await alice.sign(nonce))
    const answer = await star.join(other, bob.address(OTHER_PREFIX).legacy, await bob.sign(otherNonce))
    expect(answer).toEqual([WIRE_ERRORS.tooManyPrefixes])
    expect(star.registry.size).toBe(1)
  })
})

describe('while a signature is verified', () => {
  test('another join with the address is refused', async () => {
    const { answer } = await verifying()
    expect(await star.join(sessionEntry, alice.address().legacy, alice.publicKey)).toEqual([WIRE_ERRORS.joinUnderWay])
    expect(await answer).toEqual([null, null, []])
    expect(star.counters.snapshot()).toMatchObject({ joins: { success: 1, failure: 1 }, refused: { request: 1 } })
  })

  test('a leave cancels it', async () => {
    const { answer } = await verifying()
    star.joining.cancel(sessionEntry, alice.address().canonical)
    expectRefused(await answer, WIRE_ERRORS.joinCancelled, 'join left')
  })

  test('a leave and a new join do not let the old one through', async () => {
    const { answer } = await verifying()
    star.joining.cancel(sessionEntry, alice.address().canonical)
    const nonce = await star.challenge(sessionEntry, alice)
    expectRefused(await answer, WIRE_ERRORS.joinCancelled, 'join left')
    expect(await star.join(sessionEntry, alice.address().legacy, await alice.sign(nonce))).toEqual([null, null, []])
  })

  test('the end of the session cancels it', async () => {
    const { answer } = await verifying()
    sessionEntry.recording.ended = true
    star.joining.cancelAll(sessionEntry)
    expectRefused(await answer, WIRE_ERRORS.joinCancelled, 'join left')
    expect(sessionEntry.pendingJoins.size).toBe(0)
  })
})

describe('challenges that wait', () => {
  test('are good until their time is over', async () => {
    const signature = await alice.sign(await star.challenge(sessionEntry, alice))
    star.now += 19_999
    expect(await star.join(sessionEntry, alice.address().legacy, signature)).toEqual([null, null, []])
  })

  test('are good no longer, and a new one is to be had', async () => {
    const nonce = await star.challenge(sessionEntry, alice)
    star.now += 20_000
    const answer = await star.join(sessionEntry, alice.address().legacy, await alice.sign(nonce))
    expectRefused(answer, WIRE_ERRORS.cryptoError, 'crypto')
    expect(await star.challenge(sessionEntry, alice)).not.toBe(nonce)
    expect(star.joining.pendingChallenges).toBe(1)
  })

  test('are swept when their time is over, and no others', async () => {
    const other = createSessionEntry('other')
    await star.challenge(sessionEntry, alice)
    star.now += 10_000
    await star.challenge(other, bob)
    star.now += 9_999
    star.joining.sweep()
    expect(star.joining.pendingChallenges).toBe(2)
    star.now += 1
    star.joining.sweep()
    expect(star.joining.pendingChallenges).toBe(1)
    expect([sessionEntry.pendingJoins.size, other.pendingJoins.size]).toEqual([0, 1])
  })

  test('are forgotten with their session, and only its own', async () => {
    await star.challenge(sessionEntry, alice)
    await star.challenge(sessionEntry, bob)
    await star.challenge(createSessionEntry('other'), alice)
    star.joining.cancelAll(sessionEntry)
    expect(star.joining.pendingChallenges).toBe(1)
    expect(sessionEntry.pendingJoins.size).toBe(0)
  })

  test('are so many at most: the oldest makes room', async () => {
    star = createJoining({ pendingChallenges: 2 })
    const sessionEntries = [sessionEntry, createSessionEntry('second'), createSessionEntry('third')]
    const signatures: string[] = []
    for (const each of sessionEntries) signatures.push(await alice.sign(await star.challenge(each, alice)))
    expect(star.joining.pendingChallenges).toBe(2)
    expect(sessionEntries.map(({ pendingJoins }) => pendingJoins.size)).toEqual([0, 1, 1])
    const answers: unknown[] = []
    for (const [i, each] of sessionEntries.entries())
      answers.push(await star.join(each, alice.address().legacy, signatures[i]))
    expect(answers).toEqual([[WIRE_ERRORS.cryptoError], [null, null, []], [null, null, []]])
  })
})
