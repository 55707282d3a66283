import { setTimeout as delay } from 'node:timers/promises'
import type { RawOptions, RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentities } from '../support/raw-identity.js'
import { canonical, DELTAS, NONE, untilKnown } from '../support/raw-peers.js'
import { openStar, type RawStar } from '../support/raw-star.js'
import { addressesOf, joinMany, settleAll } from './crowd.js'

/** Bytes of an announcement of a peer with an Ed25519 key, without the prefix. */
const ANNOUNCEMENT = 78

/** Bytes of announcements as they came over a WebSocket, each with its frame's head. */
function announcedBytes(peers: readonly RawPeer[]): number {
  const sizes = peers.flatMap(({ frames }) =>
    frames.filter((frame) => String(frame).startsWith('42["ws-peer"')).map(({ length }) => length)
  )
  return sizes.reduce((sum, size) => sum + size + (size < 126 ? 2 : 4), 0)
}

/** Until each has heard enough since then: how many bytes had come by when, in milliseconds. */
async function watch(
  peers: readonly RawPeer[],
  hasHeard: (peer: RawPeer, announced: readonly string[]) => boolean
): Promise<{ bytes: number; at: number }[]> {
  await settleAll(peers)
  const begun = new Map(peers.map((peer) => [peer, peer.announced.length]))
  const samples: { bytes: number; at: number }[] = []
  while (!peers.every((peer) => hasHeard(peer, peer.announced.slice(begun.get(peer))))) {
    await delay(50)
    samples.push({ bytes: announcedBytes(peers), at: performance.now() })
  }
  return samples
}

test('announcements keep to the budget, and everyone is announced to everyone all the same', async () => {
  const begun = performance.now()
  const rate = 100_000
  const discovery = { interval: 200, maxBytesPerSecond: rate }
  const star = await openStar({ cryptoChallenge: false, discovery })
  const peers = await joinMany(star, 30)
  const samples = await watch(peers, (peer, announced) => {
    const others = addressesOf(peers).filter((address) => address !== peer.address)
    return others.every((address) => announced.filter((other) => other === address).length >= 2)
  })
  // A second's worth may come at once.
  for (const { bytes, at } of samples) expect(bytes).toBeLessThanOrEqual(rate + (rate * (at - begun)) / 1000)
  expect(samples.at(-1)?.bytes).toBeGreaterThan(rate)
})

test('with a budget of less than one announcement to all, they are told of one now and then', async () => {
  const begun = performance.now()
  const rate = 2_000
  const discovery = { interval: 20, maxBytesPerSecond: rate }
  const star = await openStar({ cryptoChallenge: false, discovery })
  const peers = await joinMany(star, 20)
  const samples = await watch(peers, (_, announced) => new Set(announced).size >= 3)
  const one = peers.length * (ANNOUNCEMENT + star.prefix.length)
  expect(one).toBeGreaterThan(rate)
  for (const { bytes, at } of samples) expect(bytes).toBeLessThanOrEqual(rate + one + (rate * (at - begun)) / 1000)
})

/** Bytes of `ss-peers` events as they came. */
function changesBytes(peers: readonly RawPeer[]): number {
  const texts = peers.flatMap(({ frames }) => frames.map(String).filter((text) => text.startsWith('42["ss-peers"')))
  return texts.reduce((sum, text) => sum + text.length, 0)
}

/** Somebody who joins and leaves all the time, each time as another peer, until it is told to stop. */
async function comeAndGo(star: RawStar, options: RawOptions, end: AbortSignal): Promise<void> {
  const [peer, identities] = [await star.connect(options), await createIdentities(200)]
  for (let turns = 0; !end.aborted; turns++) {
    const address = `${star.prefix}/ipfs/${identities[turns % identities.length]?.id}`
    await peer.finishJoin(address)
    await delay(20)
    await peer.request('ss-leave', address)
  }
}

test('changes and full lists keep to the budget while others come and go, and in the end everyone knows everyone', async () => {
  const begun = performance.now()
  const rate = 50_000
  const limits = { joinRoundsPerSecond: 1_000_000 }
  const discovery = { interval: 1_000, maxBytesPerSecond: rate }
  const star = await openStar({ cryptoChallenge: false, discovery, limits })
  const crowd = await joinMany(star, 60, DELTAS)
  const end = new AbortController()
  const restless = Array.from({ length: 4 }, async () => await comeAndGo(star, NONE, end.signal))
  const samples: { bytes: number; at: number }[] = []
  while (performance.now() - begun < 5_000) {
    await delay(100)
    samples.push({ bytes: changesBytes(crowd), at: performance.now() })
  }
  end.abort()
  await Promise.all(restless)
  // A second's worth may come at once, and each kind may go beyond its part by one message to one client.
  const most = 2 * 60 * (ANNOUNCEMENT + star.prefix.length)
  for (const { bytes, at } of samples) expect(bytes).toBeLessThanOrEqual(rate + most + (rate * (at - begun)) / 1000)
  const stays = await joinMany(star, 3, DELTAS)
  for (const peer of [...crowd, ...stays]) {
    const others = addressesOf([...crowd, ...stays]).filter((address) => address !== peer.address)
    await untilKnown(
      peer,
      others.map((address) => canonical(address))
    )
  }
  const { discoveryBytes } = star.server.stats()
  expect(discoveryBytes).toMatchObject({ windows: 0, newcomers: 0, answers: 0 })
  expect(discoveryBytes.changes + discoveryBytes.lists).toBeGreaterThanOrEqual(changesBytes([...crowd, ...stays]))
})

test('an address that joins under a long prefix again and again gets shorter lists, and nobody else does', async () => {
  const limits = { joinRoundsPerSecond: 1_000_000, joinRoundsPerSecondPerIp: 1_000_000, workPerIp: 1_000_000 }
  const discovery = { interval: 1_000, maxBytesPerSecond: 400_000 }
  const star = await openStar({ cryptoChallenge: false, discovery, limits, trustProxy: ['loopback'] })
  await joinMany(star, 100, NONE)
  const [greedy, [identity, other]] = [await star.connect({ forwardedFor: '203.0.113.9' }), await createIdentities(2)]
  const address = `/dns4/${'a'.repeat(60)}.${'b'.repeat(700)}.example/wss/p2p-websocket-star/ipfs/${identity?.id}`
  const begun = performance.now()
  const lengths: number[] = []
  let bytes = 0
  for (let turn = 0; turn < 30; turn++) {
    const listed = await greedy.finishJoin(address)
    lengths.push(listed.length)
    bytes += listed.reduce((sum, text) => sum + text.length, 0)
    await greedy.request('ss-leave', address)
  }
  // A quarter of the budget is for one address.
  expect(bytes).toBeLessThanOrEqual(100_000 * (1 + (performance.now() - begun) / 1000))
  expect(Math.min(...lengths)).toBeLessThan(Math.max(...lengths))
  const peer = await star.connect({ forwardedFor: '203.0.113.10' })
  expect(await peer.finishJoin(`${star.prefix}/ipfs/${other?.id}`)).toHaveLength(100)
  expect(star.server.stats().discoveryBytes.answers).toBeGreaterThanOrEqual(bytes)
})
