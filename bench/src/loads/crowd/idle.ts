import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import type { Conditions } from '../../harness/measure.js'
import { Crowd } from './crowd.js'
import { ed25519Identities } from './identity.js'
import { warmUp } from './warm-up.js'

/** Peers that are joined, and do nothing but hear of each other. */
export interface IdleCase {
  kind: 'idle'
  peers: number
}

export interface IdleFigures {
  /** Of one core, in percent. */
  cpu: number
  /** Resident bytes of the process with all peers, as they were found. */
  rss: number
  /** What they grew by since the server was empty, per peer: as found, and with all garbage collected both times. */
  rssPerPeer: number
  rssPerPeerCollected: number
  /** Bytes of heap in use per peer, collected. */
  heapPerPeer: number
  /** Announcements that each peer got per interval. */
  announcements: number
  /** Bytes that all peers got per second. */
  bytesPerSecond: number
  /** Connections that the server closed. */
  lost: number
  /** Seconds until all had joined, a few at a time. */
  joined: number
}

/** Milliseconds between two announcements of the same peer, of both servers. */
const INTERVAL = 10_000
const COLLECTIONS = 2
/** Milliseconds. */
const GIVING_BACK = 500

export async function measureIdle(
  server: RunningServer,
  { peers }: IdleCase,
  { seconds }: Conditions
): Promise<IdleFigures> {
  await warmUp(server)
  const { rss: emptyRss } = await server.usage()
  const empty = await collected(server)
  const crowd = new Crowd(server)
  const identities = ed25519Identities(peers)
  const begin = performance.now()
  await crowd.join(identities)
  const joined = (performance.now() - begin) / 1000
  await delay(INTERVAL)
  const from = { ...counts(crowd), ...(await server.usage()), at: performance.now() }
  await delay(seconds * 1000)
  const to = { ...counts(crowd), ...(await server.usage()), at: performance.now() }
  const elapsed = to.at - from.at
  const full = await collected(server)
  crowd.close()
  return {
    cpu: (to.cpu - from.cpu) / elapsed / 10,
    rss: to.rss,
    rssPerPeer: (to.rss - emptyRss) / peers,
    rssPerPeerCollected: (full.rss - empty.rss) / peers,
    heapPerPeer: (full.heap - empty.heap) / peers,
    announcements: (to.announcements - from.announcements) / peers / (elapsed / INTERVAL),
    bytesPerSecond: (to.bytes - from.bytes) / (elapsed / 1000),
    lost: crowd.lost,
    joined
  }
}

/** After full collections, and the time that V8 takes to give back what they freed. */
async function collected(server: RunningServer): Promise<{ heap: number; rss: number }> {
  for (let time = 0; time < COLLECTIONS; time++) {
    await server.heapUsed()
    await delay(GIVING_BACK)
  }
  const heap = await server.heapUsed()
  return { heap, rss: (await server.usage()).rss }
}

function counts({ announcements, bytes }: Crowd): { announcements: number; bytes: number } {
  return { announcements, bytes }
}
