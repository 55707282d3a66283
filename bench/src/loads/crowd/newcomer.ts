import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import { median } from '../../report/percentile.js'
import { Crowd } from './crowd.js'
import type { CrowdPeer } from './crowd-peer.js'
import { ed25519Identities, type Identity } from './identity.js'

/** One after the other joins a crowd. */
export interface NewcomerCase {
  kind: 'newcomer'
  peers: number
  newcomers: number
}

/** Milliseconds from a newcomer's last request until every other has heard of it. */
export interface NewcomerFigures {
  median: number
  max: number
  /** Milliseconds that half of the crowd waits; the median of all newcomers. */
  half: number
}

const PAUSE = 1000
/** Milliseconds after which a newcomer is not waited for any longer: announcements of the next rounds tell of it. */
const PATIENCE = 60_000
const LOOK_INTERVAL = 5
/** What follows a peer id in an announcement: `"]`. */
const TAIL = Buffer.from('"]')

export async function measureNewcomers(
  server: RunningServer,
  { peers, newcomers }: NewcomerCase
): Promise<NewcomerFigures> {
  const crowd = new Crowd(server)
  await crowd.join(ed25519Identities(peers))
  const others = new Set(crowd.peers)
  const all: number[] = []
  const halves: number[] = []
  for (const identity of ed25519Identities(newcomers)) {
    await delay(PAUSE)
    const { half, last } = await announce(crowd, others, identity)
    halves.push(half)
    all.push(last)
  }
  crowd.close()
  return { median: median(all), max: Math.max(...all), half: median(halves) }
}

async function announce(
  crowd: Crowd,
  others: ReadonlySet<CrowdPeer>,
  identity: Identity
): Promise<{ half: number; last: number }> {
  const text = Buffer.concat([Buffer.from(identity.id), TAIL])
  const waiting = new Set(others)
  let half = Number.POSITIVE_INFINITY
  let last = Number.POSITIVE_INFINITY
  crowd.onAnnouncement = (peer, bytes, _start, end) => {
    if (bytes.compare(text, 0, text.length, end - text.length, end) !== 0) return
    if (!waiting.delete(peer)) return
    if (waiting.size === others.size >> 1) half = performance.now()
    if (waiting.size === 0) last = performance.now()
  }
  const newcomer = crowd.add(identity)
  await newcomer.join()
  const deadline = performance.now() + PATIENCE
  while (waiting.size > 0 && performance.now() < deadline) await delay(LOOK_INTERVAL)
  crowd.onAnnouncement = undefined
  return { half: half - newcomer.askedAt, last: last - newcomer.askedAt }
}
