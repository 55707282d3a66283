import { setTimeout as delay } from 'node:timers/promises'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import type { Trial } from '../../harness/measure.js'
import { openPair } from './pair.js'

export interface UnreadCase {
  kind: 'memory'
  /** One that stops has let its window grow before. */
  receiver: 'never' | 'stops'
  /** Bytes that the sender has to write. */
  bytes: number
  /** Seconds without progress after which the sender counts as held back. */
  patience: number
}

export interface UnreadFigures {
  /** Bytes that left the sender's library since the receiver does not read. */
  left: number
  /** Growth of the resident size of each process since then, at most. */
  senderGrowth: number
  serverGrowth: number
  receiverGrowth: number
}

const SIZE = 65_536
const SAMPLE_INTERVAL = 50

/** A sender that waits when it is told to, and a receiver that does not read. */
export async function measureUnread(
  { receiver: how, bytes, patience }: UnreadCase,
  { contender, warmup, profiles }: Trial<PeerContender>
): Promise<UnreadFigures> {
  const stops = how === 'stops'
  const pair = await openPair(contender, { size: SIZE, delay: 0, reads: stops, profiles })
  const { server, sender, receiver } = pair
  const sample = async () => {
    const [from, at, to] = await Promise.all([sender.call('report'), server.usage(), receiver.call('report')])
    return { left: from.bytes - from.waiting, read: to.bytes, rss: [from.rss, at.rss, to.rss] as const }
  }
  if (stops) {
    await sender.call('send')
    await delay(warmup * 1000)
  }
  const before = await sample()
  if (stops) await receiver.call('pause')
  else await sender.call('send', bytes)
  const base = stops ? (await sample()).read : 0

  const growth: [sender: number, server: number, receiver: number] = [0, 0, 0]
  let last = before.left
  let progress = performance.now()
  while (last - base < bytes && performance.now() - progress < patience * 1000) {
    await delay(SAMPLE_INTERVAL)
    const { left, rss } = await sample()
    for (const index of [0, 1, 2] as const) growth[index] = Math.max(growth[index], rss[index] - before.rss[index])
    if (left > last) progress = performance.now()
    last = left
  }
  await pair.stop()
  const [senderGrowth, serverGrowth, receiverGrowth] = growth
  return { left: last - base, senderGrowth, serverGrowth, receiverGrowth }
}
