import { WIRE_ERRORS, type StarAddress } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { BackplaneObserver } from '../../src/cluster/backplane.js'
import { LocalBackplane, LocalStar } from '../../src/cluster/local-backplane.js'
import { Claim } from '../../src/registry/claim.js'
import { address, addressWithoutPeer, OTHER_PREFIX, PREFIX } from '../support/addresses.js'
import { createJoining, type JoiningSetup } from '../support/joining.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

const HOME = address(1)

let star: JoiningSetup
let owner: RecordingSessionEntry
let joiner: RecordingSessionEntry

beforeEach(() => {
  star = createJoining({ cryptoChallenge: false })
  owner = createSessionEntry('owner')
  joiner = createSessionEntry('joiner')
})

/** Starts a join that pings the present owner. */
function joinAndAsk(
  sessionEntry: RecordingSessionEntry = joiner,
  address: StarAddress = HOME
): { answer: Promise<unknown[]> } {
  const answer = star.join(sessionEntry, address.legacy, '')
  return { answer }
}

function answerProbe(alive: boolean): void {
  const probe = owner.recording.probes.shift()
  expect(probe?.timeout).toBe(2_000)
  probe?.settle(alive)
}

describe('without a challenge a join', () => {
  test('takes one round, whatever comes with it', async () => {
    expect(await star.join(joiner, HOME.legacy)).toEqual([null, null, []])
    expect(await star.join(owner, address(2).canonical, 'deadbeef')).toEqual([null, null, [HOME.legacy]])
    expect(star.counters.snapshot()).toMatchObject({ joins: { total: 2, success: 2, failure: 0 }, refused: {} })
    expect(star.joining.pendingChallenges).toBe(0)
  })

  test('is refused for addresses of another kind, unless they are allowed', async () => {
    expect(await star.join(joiner, addressWithoutPeer(1).canonical)).toEqual([WIRE_ERRORS.invalidMultiaddr])
    star = createJoining({ cryptoChallenge: false, strictMultiaddr: false })
    expect(await star.join(joiner, addressWithoutPeer(1).canonical)).toEqual([null, null, []])
    expect(await star.join(owner, HOME.legacy)).toEqual([null, null, []])
    expect(star.registry.size).toBe(2)
  })

  test('of an address that names no peer takes a star address as its key', async () => {
    expect(await star.join(joiner, PREFIX)).toEqual([null, null, []])
    expect(star.registry.find(address(1))).toBeUndefined()
  })
})

test('an address that is left while others are told of its join is not joined', async () => {
  // Where so many listen, the second newcomer waits to be announced with others.
  for (let number = 100; number < 170; number++)
    await star.join(createSessionEntry(`${number}`), address(number).legacy)
  const answer = star.join(joiner, HOME.legacy)
  for (const joined of joiner.addresses.values()) star.registry.release(joiner, joined)
  expect(await answer).toEqual([WIRE_ERRORS.joinCancelled])
  expect(star.counters.snapshot()).toMatchObject({ joins: { total: 71, success: 70, failure: 1 } })
})

describe('an address with another owner', () => {
  beforeEach(async () => {
    await star.join(owner, HOME.legacy)
  })

  test('goes to one of two that find its owner offline at the same moment', async () => {
    const second = createSessionEntry('second')
    const answers = [star.join(joiner, HOME.legacy, ''), star.join(second, HOME.legacy, '')]
    for (const probe of owner.recording.probes.splice(0)) probe.settle(false)
    expect(await Promise.all(answers)).toEqual([[null, null, []], [WIRE_ERRORS.addressInUse]])
    expect(second.addresses.size).toBe(0)
  })

  test('stays with it if it answers', async () => {
    const { answer } = joinAndAsk()
    answerProbe(true)
    expect(await answer).toEqual([WIRE_ERRORS.addressInUse])
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(owner)
    expect(joiner.addresses.size).toBe(0)
    expect(joiner.pendingJoins.size).toBe(0)
    expect(star.counters.snapshot()).toMatchObject({ joins: { failure: 1 }, refused: { 'address in use': 1 } })
  })

  test('is taken if it does not', async () => {
    const { answer } = joinAndAsk()
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(owner)
    answerProbe(false)
    expect(await answer).toEqual([null, null, []])
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(joiner)
  })

  test('is asked for under another prefix too: it is a peer', async () => {
    const { answer } = joinAndAsk(joiner, address(1, OTHER_PREFIX))
    answerProbe(true)
    expect(await answer).toEqual([WIRE_ERRORS.addressInUse])
  })

  test('is free if it was left meanwhile', async () => {
    const { answer } = joinAndAsk()
    star.registry.release(owner, HOME)
    answerProbe(true)
    expect(await answer).toEqual([null, null, []])
  })

  test('goes to the first of two that ask', async () => {
    const first = joinAndAsk()
    const second = joinAndAsk(createSessionEntry('second'))
    answerProbe(false)
    expect(await first.answer).toEqual([null, null, []])
    answerProbe(false)
    expect(await second.answer).toEqual([WIRE_ERRORS.addressInUse])
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(joiner)
  })

  test('is not taken by one that left meanwhile', async () => {
    const { answer } = joinAndAsk()
    star.joining.cancel(joiner, HOME.canonical)
    answerProbe(false)
    expect(await answer).toEqual([WIRE_ERRORS.joinCancelled])
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(owner)
    expect(star.counters.snapshot().refused).toEqual({ 'join left': 1 })
  })

  test('is not taken by one that has gone meanwhile', async () => {
    const { answer } = joinAndAsk()
    joiner.recording.ended = true
    answerProbe(false)
    expect(await answer).toEqual([WIRE_ERRORS.joinCancelled])
    expect(star.registry.findHere(HOME)?.sessionEntry).toBe(owner)
  })

  test('is asked for once at a time by one session', async () => {
    const { answer } = joinAndAsk()
    expect(await star.join(joiner, HOME.canonical)).toEqual([WIRE_ERRORS.joinUnderWay])
    expect(owner.recording.probes).toHaveLength(1)
    answerProbe(false)
    expect(await answer).toEqual([null, null, []])
  })

  test('is no reason to ask itself under another prefix', async () => {
    expect(await star.join(owner, address(1, OTHER_PREFIX).legacy)).toEqual([null, null, []])
    expect(owner.recording.probes).toEqual([])
    expect(owner.addresses.size).toBe(2)
  })
})

test('an address that another node has given away is refused, even before its report has come', async () => {
  const shared = new LocalStar()
  const [here, there] = [new LocalBackplane(shared), new LocalBackplane(shared)]
  const deaf: BackplaneObserver = {
    joined: () => {},
    left: () => {},
    snapshot: () => {},
    frame: () => {},
    room: () => {},
    lost: () => {}
  }
  await Promise.all([here.start(deaf), there.start(deaf)])
  star = createJoining({ cryptoChallenge: false }, 16, here)
  there.claim(new Claim(HOME.peerId ?? '', HOME.canonical))
  expect(await star.join(joiner, HOME.legacy)).toEqual([WIRE_ERRORS.addressInUse])
  expect([star.registry.size, joiner.addresses.size]).toEqual([0, 0])
  expect(shared.lookup(HOME.peerId ?? '')?.node).toBe(there.node)
})
