import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { ClusterStats, RendezvousStats } from '../stats.js'
import { withAliases } from './node-alias.js'

interface Figure<Stats = RendezvousStats> {
  name: string
  help: string
  read: (stats: Stats) => number
}

/** A counter with a value for each reason, or for each value of another label. */
interface LabelledCounter<Stats = RendezvousStats> {
  name: string
  help: string
  /** Default `reason`. */
  label?: string
  read: (stats: Stats) => Readonly<Record<string, number | undefined>>
}

const GAUGES: readonly Figure[] = [
  { name: 'rendezvous_peers', help: 'peers online', read: (stats) => stats.peers },
  { name: 'rendezvous_sessions', help: 'open sessions', read: (stats) => stats.sessions },
  { name: 'rendezvous_streams', help: 'open halves; a connection has two', read: (stats) => stats.streams },
  {
    name: 'rendezvous_buffered_bytes',
    help: 'bytes queued for slow clients',
    read: (stats) => stats.bufferedBytes
  },
  {
    name: 'rendezvous_paused_senders',
    help: 'sessions and channels not read from now',
    read: (stats) => stats.pausedSenders
  },
  {
    name: 'rendezvous_pending_challenges',
    help: 'join challenges without an answer yet',
    read: (stats) => stats.pendingChallenges
  },
  {
    name: 'rendezvous_waiting',
    help: 'connections and joins in the work queues',
    read: (stats) => stats.waiting
  },
  {
    name: 'rendezvous_connections',
    help: 'open TCP connections, with or without a session',
    read: (stats) => stats.connections
  },
  {
    name: 'rendezvous_slowed',
    help: 'sessions not read from because they exceeded their CPU budget',
    read: (stats) => stats.slowed
  },
  {
    name: 'rendezvous_received_bytes',
    help: 'bytes received of incomplete messages',
    read: (stats) => stats.receivedBytes
  }
]

// The first six have the names and meanings of libp2p-websocket-star-rendezvous 0.4.1.
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
    help: 'chunks relayed',
    read: (stats) => stats.relayed.chunks
  },
  {
    name: 'rendezvous_relayed_bytes_total',
    help: 'payload bytes relayed',
    read: (stats) => stats.relayed.bytes
  },
  {
    name: 'rendezvous_announcements_total',
    help: 'online peers announced to clients',
    read: (stats) => stats.announcements
  },
  {
    name: 'rendezvous_log_lines_lost_total',
    help: 'log lines that could not be written',
    read: (stats) => stats.lostLogLines
  }
]

const LABELLED_COUNTERS: readonly LabelledCounter[] = [
  {
    name: 'rendezvous_discovery_bytes_total',
    help: 'bytes sent to tell clients about other peers',
    label: 'kind',
    read: (stats) => stats.discoveryBytes
  },
  { name: 'rendezvous_refused_total', help: 'requests answered with an error', read: (stats) => stats.refused },
  { name: 'rendezvous_dropped_total', help: 'frames dropped', read: (stats) => stats.dropped },
  { name: 'rendezvous_closed_total', help: 'sessions closed', read: (stats) => stats.closed },
  {
    name: 'rendezvous_stream_resets_total',
    help: 'halves and connections ended by the server',
    read: (stats) => stats.reset
  },
  { name: 'rendezvous_paused_total', help: 'times a sender was paused', read: (stats) => stats.paused },
  {
    name: 'rendezvous_work_seconds_total',
    help: 'CPU time used for clients except relaying, estimated by fixed prices',
    label: 'kind',
    read: ({ work }) => Object.fromEntries(Object.entries(work).map(([kind, time]) => [kind, time / 1000]))
  }
]

const CLUSTER_GAUGES: readonly Figure<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_nodes',
    help: 'nodes of the star, including this one',
    read: (stats) => stats.nodes.length
  },
  {
    name: 'rendezvous_cluster_fenced',
    help: '1 while this node cannot reach the others',
    read: (stats) => Number(stats.fenced)
  },
  {
    name: 'rendezvous_cluster_lease_age_seconds',
    help: 'time since this node renewed its lease',
    read: (stats) => stats.leaseAge / 1000
  },
  {
    name: 'rendezvous_cluster_feed_lag',
    help: "changes in the star's registry that this node has not received yet",
    read: (stats) => stats.feedLag
  },
  {
    name: 'rendezvous_cluster_dials',
    help: 'connections with clients of other nodes, including dials in progress',
    read: (stats) => stats.dials
  },
  {
    name: 'rendezvous_cluster_kept_bytes',
    help: 'bytes queued for clients of other nodes or received from them',
    read: (stats) => stats.keptBytes
  }
]

const CLUSTER_COUNTERS: readonly Figure<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_retransmits_total',
    help: 'envelopes retransmitted to other nodes',
    read: (stats) => stats.retransmits
  }
]

const LINK_GAUGES: readonly Figure<ClusterStats['links'][number]>[] = [
  {
    name: 'rendezvous_cluster_link_unacknowledged_bytes',
    help: 'bytes sent to a node and not acknowledged',
    read: (link) => link.unacknowledged
  },
  {
    name: 'rendezvous_cluster_link_window_bytes',
    help: 'bytes that may be in flight to a node',
    read: (link) => link.window
  }
]

const CLUSTER_LABELLED_COUNTERS: readonly LabelledCounter<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_refused_total',
    help: 'envelopes from other nodes that were refused',
    read: (stats) => stats.refusedEnvelopes
  }
]

const NODE_VERSION = 'nodejs_version_info'

/**
 * Creates the registry behind `/metrics`. Each server has its own, so that several in one process do not clash.
 *
 * @param clusterStats - undefined unless the server is part of a cluster
 * @param hasDetails - includes names of nodes and the version of Node
 */
export function createMetrics(
  stats: () => RendezvousStats,
  clusterStats?: () => ClusterStats,
  hasDetails = false
): Registry {
  const registry = new Registry()
  addFigures(registry, stats, GAUGES, COUNTERS, LABELLED_COUNTERS)
  if (clusterStats !== undefined) {
    addFigures(registry, clusterStats, CLUSTER_GAUGES, CLUSTER_COUNTERS, CLUSTER_LABELLED_COUNTERS)
    addLinks(registry, hasDetails ? clusterStats : () => withAliases(clusterStats()))
  }
  const merged = Registry.merge([metricsOfProcess(), registry])
  if (!hasDetails) merged.removeSingleMetric(NODE_VERSION)
  return merged
}

function addFigures<Stats>(
  registry: Registry,
  stats: () => Stats,
  gauges: readonly Figure<Stats>[],
  counters: readonly Figure<Stats>[],
  labelledCounters: readonly LabelledCounter<Stats>[]
): void {
  const registers = [registry]
  for (const { name, help, read } of gauges) {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read(stats())) })
  }
  for (const { name, help, read } of counters) {
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
  for (const { name, help, label = 'reason', read } of labelledCounters) {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      labelNames: [label],
      collect: () => {
        counter.reset()
        for (const [value, count] of Object.entries(read(stats()))) counter.inc({ [label]: value }, count ?? 0)
      }
    })
  }
}

function addLinks(registry: Registry, stats: () => ClusterStats): void {
  for (const { name, help, read } of LINK_GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      labelNames: ['node'],
      collect: () => {
        gauge.reset()
        for (const link of stats().links) gauge.set({ node: link.node }, read(link))
      }
    })
  }
}

/** Returns the process metrics, one set for all servers: prom-client never stops collecting them. */
function metricsOfProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

let processRegistry: Registry | undefined
