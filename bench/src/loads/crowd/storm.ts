import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { Peak } from '../../contenders/servers/peak.js'
import type { RunningServer } from '../../contenders/servers/server.js'
import { RemoteProcess } from '../../processes/remote-process.js'
import { ascending, percentile } from '../../report/percentile.js'
import { Crowd } from './crowd.js'
import { JoinError, type CrowdPeer, type Failure } from './crowd-peer.js'
import { ed25519Identities } from './identity.js'
import type { WitnessProcess, WitnessSetup } from './witness-process.js'

/** Peers whose connections break all at once, and who all come back at once. */
export interface StormCase {
  kind: 'storm'
  peers: number
}

export interface StormFigures {
  /** Seconds from the break until half of them, and all of them, are joined again. */
  half: number
  all: number
  /** Attempts that got no answer for as long as clients wait, that were refused, and whose connection broke. */
  timedOut: number
  refused: number
  broken: number
  /** Peers that were not back when the time was up. */
  missing: number
  /** Resident bytes before, and at most until all were back. */
  rss: number
  peakRss: number
  /** Seconds of the server's CPU. */
  cpu: number
  /** Milliseconds that a message of another pair took before, and while they came back. */
  quietP99: number
  stormP99: number
  stormMax: number
}

const WITNESS = new URL('./witness-process.js', import.meta.url)
/** Milliseconds before the storm, in which the quiet is measured too. */
const QUIET = 3000
/** Milliseconds after which those who are not back count as missing. */
const PATIENCE = 120_000
/** Milliseconds that legacy clients wait to be connected; here for each answer too. */
const STEP_TIMEOUT = 20_000
/** Milliseconds that socket.io's client waits before it tries again, half more or less. */
const RETRY_DELAY = 1000
const SAMPLE_INTERVAL = 50

export async function measureStorm(server: RunningServer, { peers }: StormCase): Promise<StormFigures> {
  const crowd = new Crowd(server)
  await crowd.join(ed25519Identities(peers))
  const setup: WitnessSetup = { port: server.port, challenge: server.challenge }
  const witness = await RemoteProcess.start<WitnessProcess>(WITNESS, setup, { role: 'witness' })
  await delay(QUIET)
  await witness.call('take')
  await delay(QUIET)
  const quiet = await witness.call('take')
  const before = await server.usage()
  const peak = new Peak(server, SAMPLE_INTERVAL)
  const back = await breakAndReturn(crowd)
  const after = await server.usage()
  const storm = await witness.call('take')
  const peakRss = await peak.stop()
  await witness.stop()
  crowd.close()
  const sorted = ascending(back.seconds)
  const missing = peers - sorted.length
  return {
    half: percentile(sorted, 0.5),
    all: missing === 0 ? percentile(sorted, 1) : Number.POSITIVE_INFINITY,
    timedOut: back.failures['timed out'],
    refused: back.failures.refused,
    broken: back.failures.lost,
    missing,
    rss: before.rss,
    peakRss,
    cpu: (after.cpu - before.cpu) / 1e6,
    quietP99: quiet.p99,
    stormP99: storm.p99,
    stormMax: storm.max
  }
}

/** @returns when each of those who are back was, and how often which failure was in the way */
async function breakAndReturn(crowd: Crowd) {
  const seconds: number[] = []
  const failures: Record<Failure, number> = { 'timed out': 0, refused: 0, lost: 0 }
  crowd.stepTimeout = STEP_TIMEOUT
  const begin = performance.now()
  const comeBack = async (peer: CrowdPeer) => {
    const isBack = await persist(peer, failures, begin + PATIENCE)
    if (isBack) seconds.push((performance.now() - begin) / 1000)
  }
  for (const peer of crowd.peers) peer.drop()
  await Promise.all(crowd.peers.map(comeBack))
  return { seconds, failures }
}

/**
 * Joins, and tries again as clients do.
 *
 * @param until - when it gives up
 * @returns whether it is joined
 */
async function persist(peer: CrowdPeer, failures: Record<Failure, number>, until: number): Promise<boolean> {
  while (performance.now() < until) {
    try {
      await peer.join()
      return true
    } catch (error) {
      if (!(error instanceof JoinError)) throw error
      failures[error.failure]++
    }
    await delay(RETRY_DELAY * (0.5 + Math.random()))
  }
  return false
}
