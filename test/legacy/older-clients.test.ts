import { describe, expect, test } from 'vitest'
import { peerIdOf, type Version } from '../support/generations.js'
import { joinLegacy, LegacyNode, refusal } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

/** Who joins first, and who after. */
const pairs: [Version, Version][] = [
  ['0.8.1', '0.8.1'],
  ['0.9.0', '0.9.0'],
  ['0.8.1', '0.9.0'],
  ['0.9.0', '0.8.1'],
  ['0.8.1', '0.10.2'],
  ['0.10.2', '0.8.1'],
  ['0.9.0', '0.10.2'],
  ['0.10.2', '0.9.0']
]

describe('the earlier and the later client', () => {
  test.each(pairs)('%s and %s discover each other and exchange bytes', async (earlier, later) => {
    await using star = await startStar({ discovery: { interval: 200 } })
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice', version: earlier })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob', version: later })

    // 0.8 and 0.9 take no list with the join's answer: they hear of those before them with the next announcement
    await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
    await bob.discovered.until('word of alice', (items) => items.includes(alice.address))
    expect(await roundTrip(randomChunks(300_000), await alice.dial(bob.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(300_000), await bob.dial(alice.address))).toEqual(intact)
  })
})

describe.each<Version>(['0.8.1', '0.9.0'])('a %s client', (version) => {
  test('joins again by itself when the server comes back', async () => {
    await using star = await startStar({ discovery: { interval: 200 } })
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice', version })
    await star.restart()

    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await bob.discovered.until('word of alice', (items) => items.includes(alice.address))
    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(1_000), await alice.dial(bob.address))).toEqual(intact)
  })

  test('is refused with a text it can show', async () => {
    await using star = await startStar()
    const mallory = await peerIdOf('mallory', version)
    await using alice = await LegacyNode.create({ star: star.multiaddr, name: 'alice', version, id: mallory })
    expect(await refusal(alice.listen())).toBe('Id is not matching')
  })

  test('works without a challenge if it allows that', async () => {
    await using star = await startStar({ cryptoChallenge: false, discovery: { interval: 200 } })
    const allow = { star: star.multiaddr, version, allowJoinWithDisabledChallenge: true }
    await using alice = await joinLegacy({ ...allow, name: 'alice' })
    await using bob = await joinLegacy({ ...allow, name: 'bob' })
    await bob.discovered.until('word of alice', (items) => items.includes(alice.address))
    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
  })
})
