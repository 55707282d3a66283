import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { RendezvousStats } from '../stats.js'

/** One figure, read from the server's stats when metrics are asked for. */
interface Figure {
  name: string
  help: string
  read: (stats: RendezvousStats) => number
}

/** One figure with a count for each reason. */
interface Tally {
  name: string
  help: string
  read: (stats: RendezvousStats) => Readonly<Record<string, number | undefined>>
}

const GAUGES: readonly Figure[] = [
  { name: 'rendezvous_peers', help: 'peers online now', read: (stats) => stats.peers },
  { name: 'rendezvous_sessions', help: 'connections open now', read: (stats) => stats.sessions },
  { name: 'rendezvous_streams', help: 'stream halves open now; a dial has two', read: (stats) => stats.streams },
  {
    name: 'rendezvous_buffered_bytes',
    help: 'bytes that wait to be taken by slow clients now',
    read: (stats) => stats.bufferedBytes
  },
  { name: 'rendezvous_held', help: 'connections not read from now', read: (stats) => stats.held },
  {
    name: 'rendezvous_pending_challenges',
    help: 'challenges that wait for their signature now',
    read: (stats) => stats.pendingChallenges
  },
  {
    name: 'rendezvous_waiting',
    help: 'connections and joins that wait for their turn now',
    read: (stats) => stats.waiting
  }
]

// The first six are named, and count, as those of libp2p-websocket-star-rendezvous 0.4.1.
const COUNTERS: readonly Figure[] = [
  { name: 'rendezvous_dials_total', help: 'all dials since server started', read: (stats) => stats.dials.total },
  {
    name: 'rendezvous_dials_total_success',
    help: 'successfully completed dials since server started',
    read: (stats) => stats.dials.success
  },
  {
    name: 'rendezvous_dials_total_failure',
    help: 'failed dials since server started',
    read: (stats) => stats.dials.failure
  },
  { name: 'rendezvous_joins_total', help: 'all joins since server started', read: (stats) => stats.joins.total },
  {
    name: 'rendezvous_joins_total_success',
    help: 'successfully completed joins since server started',
    read: (stats) => stats.joins.success
  },
  {
    name: 'rendezvous_joins_total_failure',
    help: 'failed joins since server started',
    read: (stats) => stats.joins.failure
  },
  {
    name: 'rendezvous_relayed_chunks_total',
    help: 'chunks passed on from a sender to a receiver',
    read: (stats) => stats.relayed.chunks
  },
  {
    name: 'rendezvous_relayed_bytes_total',
    help: 'payload of the chunks passed on',
    read: (stats) => stats.relayed.bytes
  },
  {
    name: 'rendezvous_announcements_total',
    help: 'announcements of a peer to a client',
    read: (stats) => stats.announcements
  }
]

const TALLIES: readonly Tally[] = [
  { name: 'rendezvous_refused_total', help: 'requests answered with an error', read: (stats) => stats.refused },
  { name: 'rendezvous_dropped_total', help: 'frames that went nowhere', read: (stats) => stats.dropped },
  { name: 'rendezvous_closed_total', help: 'connections that ended', read: (stats) => stats.closed },
  {
    name: 'rendezvous_stream_resets_total',
    help: 'dials and streams ended by the server',
    read: (stats) => stats.reset
  },
  { name: 'rendezvous_paused_total', help: 'times a sender was not read from', read: (stats) => stats.paused }
]

/**
 * What `/metrics` answers. Each server has a registry of its own, so that several in one process do not clash.
 *
 * @param stats - reads the server's figures
 */
export function createMetrics(stats: () => RendezvousStats): Registry {
  const registry = new Registry()
  const registers = [registry]
  for (const { name, help, read } of GAUGES) {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read(stats())) })
  }
  for (const { name, help, read } of COUNTERS) {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        counter.reset()
        counter.inc(read(stats()))
      }
    })
  }
  for (const { name, help, read } of TALLIES) {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      labelNames: ['reason'],
      collect: () => {
        counter.reset()
        for (const [reason, count] of Object.entries(read(stats()))) counter.inc({ reason }, count ?? 0)
      }
    })
  }
  return Registry.merge([metricsOfProcess(), registry])
}

/** One set for all servers: prom-client never stops observing the process, and would hold on to each server. */
function metricsOfProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

let processRegistry: Registry | undefined
