import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { ClusterStats, RendezvousStats } from '../stats.js'
import { withAliases } from './node-alias.js'

/** One figure, read from the server's stats when metrics are asked for. */
interface Figure<Stats = RendezvousStats> {
  name: string
  help: string
  read: (stats: Stats) => number
}

/** One figure with a count for each reason, or for each value of another label. */
interface Tally<Stats = RendezvousStats> {
  name: string
  help: string
  label?: string
  read: (stats: Stats) => Readonly<Record<string, number | undefined>>
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
  {
    name: 'rendezvous_paused_senders',
    help: 'sessions and channels not read from now',
    read: (stats) => stats.pausedSenders
  },
  {
    name: 'rendezvous_pending_challenges',
    help: 'challenges that wait for their signature now',
    read: (stats) => stats.pendingChallenges
  },
  {
    name: 'rendezvous_waiting',
    help: 'connections and joins that wait for their turn now',
    read: (stats) => stats.waiting
  },
  {
    name: 'rendezvous_connections',
    help: 'TCP connections open now, with or without a session',
    read: (stats) => stats.connections
  },
  {
    name: 'rendezvous_slowed',
    help: 'sessions not read from now, since they have cost more than they may',
    read: (stats) => stats.slowed
  },
  {
    name: 'rendezvous_received_bytes',
    help: 'bytes of unfinished messages now',
    read: (stats) => stats.receivedBytes
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
  {
    name: 'rendezvous_discovery_bytes_total',
    help: 'bytes sent to tell clients of other peers',
    label: 'kind',
    read: (stats) => stats.discoveryBytes
  },
  { name: 'rendezvous_refused_total', help: 'requests answered with an error', read: (stats) => stats.refused },
  { name: 'rendezvous_dropped_total', help: 'frames that went nowhere', read: (stats) => stats.dropped },
  { name: 'rendezvous_closed_total', help: 'connections that ended', read: (stats) => stats.closed },
  {
    name: 'rendezvous_stream_resets_total',
    help: 'dials and streams ended by the server',
    read: (stats) => stats.reset
  },
  { name: 'rendezvous_paused_total', help: 'times a sender was not read from', read: (stats) => stats.paused },
  {
    name: 'rendezvous_work_seconds_total',
    help: 'CPU time that clients have cost besides relaying, by fixed prices',
    label: 'kind',
    read: ({ work }) => Object.fromEntries(Object.entries(work).map(([kind, time]) => [kind, time / 1000]))
  }
]

const CLUSTER_GAUGES: readonly Figure<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_nodes',
    help: 'nodes of the star, this one among them',
    read: (stats) => stats.nodes.length
  },
  {
    name: 'rendezvous_cluster_fenced',
    help: '1 while the other nodes cannot be reached',
    read: (stats) => Number(stats.fenced)
  },
  {
    name: 'rendezvous_cluster_lease_age_seconds',
    help: 'time since this node last showed the others that it is there',
    read: (stats) => stats.leaseAge / 1000
  },
  {
    name: 'rendezvous_cluster_feed_lag',
    help: 'changes of the registry that this node has not heard of yet',
    read: (stats) => stats.feedLag
  },
  {
    name: 'rendezvous_cluster_dials',
    help: 'dials with clients of other nodes, under way and open',
    read: (stats) => stats.dials
  },
  {
    name: 'rendezvous_cluster_kept_bytes',
    help: 'bytes that wait for clients of other nodes, or came from them and cannot be passed on yet',
    read: (stats) => stats.keptBytes
  }
]

const CLUSTER_COUNTERS: readonly Figure<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_retransmits_total',
    help: 'envelopes to other nodes that were sent again',
    read: (stats) => stats.retransmits
  }
]

/** Figures of each link, by the node at its other end. */
const LINK_GAUGES: readonly Figure<ClusterStats['links'][number]>[] = [
  {
    name: 'rendezvous_cluster_link_unacknowledged_bytes',
    help: 'bytes sent to a node that it has not acknowledged',
    read: (link) => link.unacknowledged
  },
  {
    name: 'rendezvous_cluster_link_window_bytes',
    help: 'bytes that may be on their way to a node',
    read: (link) => link.window
  }
]

const CLUSTER_TALLIES: readonly Tally<ClusterStats>[] = [
  {
    name: 'rendezvous_cluster_refused_total',
    help: 'envelopes from other nodes that were not taken',
    read: (stats) => stats.refusedEnvelopes
  }
]

/** A metric of prom-client. */
const NODE_VERSION = 'nodejs_version_info'

/**
 * What `/metrics` answers. Each server has a registry of its own, so that several in one process do not clash.
 *
 * @param stats - reads the server's figures
 * @param clusterStats - reads those of a star with several nodes
 * @param hasDetails - with names of nodes and the version of Node
 */
export function createMetrics(
  stats: () => RendezvousStats,
  clusterStats?: () => ClusterStats,
  hasDetails = false
): Registry {
  const registry = new Registry()
  addFigures(registry, stats, GAUGES, COUNTERS, TALLIES)
  if (clusterStats !== undefined) {
    addFigures(registry, clusterStats, CLUSTER_GAUGES, CLUSTER_COUNTERS, CLUSTER_TALLIES)
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
  tallies: readonly Tally<Stats>[]
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
  for (const { name, help, label = 'reason', read } of tallies) {
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

/** One set for all servers: prom-client never stops observing the process, and would hold on to each server. */
function metricsOfProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}

let processRegistry: Registry | undefined
