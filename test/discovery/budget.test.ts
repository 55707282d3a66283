import { setTimeout as delay } from 'node:timers/promises'
import type { RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { openStar } from '../support/raw-star.js'
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
