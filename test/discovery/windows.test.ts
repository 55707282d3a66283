import { setTimeout as delay } from 'node:timers/promises'
import type { RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentities, type Identity } from '../support/raw-identity.js'
import { openStar } from '../support/raw-star.js'
import { addressesOf, joinMany, settleAll } from './crowd.js'

/** Waits until a client has heard of so many more; which. */
async function nextOf(peer: RawPeer, count: number, from: number): Promise<string[]> {
  await peer.until(`${count} announcements`, () => (peer.announced.length >= from + count ? true : undefined))
  return peer.announced.slice(from, from + count)
}

/** Waits until each has been announced to all by windows: from now on nobody is new. */
async function firstRound(peers: readonly RawPeer[]): Promise<void> {
  await settleAll(peers)
  await Promise.all(
    peers.map(async (peer) => {
      const begun = peer.announced.length
      const others = addressesOf(peers).filter((address) => address !== peer.address)
      await peer.until('a round', () => {
        const heard = new Set(peer.announced.slice(begun))
        return others.every((address) => heard.has(address)) ? true : undefined
      })
    })
  )
}

test('in a round of windows every client hears of every other once, round after round', async () => {
  const star = await openStar({ cryptoChallenge: false, discovery: { interval: 50, window: 8 } })
  const peers = await joinMany(star, 40)
  await firstRound(peers)
  const begun = peers.map(({ announced }) => announced.length)
  const [told, at] = [star.server.stats().announcements, performance.now()]
  await Promise.all(
    peers.map(async (peer, index) => {
      const others = new Set(addressesOf(peers).filter((address) => address !== peer.address))
      const [first, second, third] = [0, 1, 2].map(
        async (round) => await nextOf(peer, others.size, (begun[index] ?? 0) + round * others.size)
      )
      const order = await first
      expect(new Set(order)).toEqual(others)
      // Always the same order: wherever one looks, a round is that long.
      expect(await second).toEqual(order)
      expect(await third).toEqual(order)
    })
  )
  // Eight to each of the forty at a time, but nobody is told of itself.
  const intervals = Math.ceil((performance.now() - at) / 50) + 1
  expect(star.server.stats().announcements - told).toBeLessThanOrEqual(intervals * (8 * 40 - 8))
})

test('whoever comes and goes meanwhile, nobody is announced twice more than another', async () => {
  const limits = { joinRoundsPerSecond: 1_000_000 }
  const star = await openStar({ cryptoChallenge: false, discovery: { interval: 50, window: 8 }, limits })
  const [peers, identities] = [await joinMany(star, 40), await createIdentities(50)]
  await firstRound(peers)
  const begun = new Map(peers.map((peer) => [peer, peer.announced.length]))
  /** How often a client heard of each of those who stay, the least and the most. */
  const extremes = (peer: RawPeer): [number, number] => {
    const heard = peer.announced.slice(begun.get(peer))
    const others = addressesOf(peers).filter((address) => address !== peer.address)
    const counts = others.map((address) => heard.filter((other) => other === address).length)
    return [Math.min(...counts), Math.max(...counts)]
  }
  const restless = await star.connect()
  for (let turn = 0; peers.some((peer) => extremes(peer)[0] < 4); turn++) {
    const { id } = identities[turn % identities.length] as Identity
    await restless.finishJoin(`${star.prefix}/ipfs/${id}`)
    await settleAll(peers)
    for (const [least, most] of peers.map(extremes)) expect(most - least).toBeLessThanOrEqual(1)
    await restless.request('ss-leave', `${star.prefix}/ipfs/${id}`)
    await delay(5)
  }
})

test('those who come all the time do not keep others from their turn', async () => {
  const limits = { joinRoundsPerSecond: 1_000_000 }
  const star = await openStar({ cryptoChallenge: false, discovery: { interval: 50, window: 8 }, limits })
  const [peers, identities] = [await joinMany(star, 40), await createIdentities(300)]
  const restless = await Promise.all(Array.from({ length: 48 }, async () => await star.connect()))
  await settleAll(peers)
  const [listener] = peers as [RawPeer]
  const begun = listener.announced.length

  const end = new AbortController()
  const comings = restless.map(async (peer, index) => {
    for (let turn = index; !end.signal.aborted; turn += restless.length) {
      const { id } = identities[turn % identities.length] as Identity
      const address = `${star.prefix}/ipfs/${id}`
      await peer.finishJoin(address)
      await delay(30)
      await peer.request('ss-leave', address)
    }
  })
  const others = addressesOf(peers).slice(1)
  const rounds = listener.until('three announcements of everyone', () => {
    const heard = listener.announced.slice(begun)
    return others.every((address) => heard.filter((other) => other === address).length >= 3) ? true : undefined
  })
  await rounds.finally(() => end.abort())
  await Promise.all(comings)
})
