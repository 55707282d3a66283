import { Budget } from './budget/budget.js'
import type { BudgetLimits } from './budget/limits.js'
import type { Backplane } from './cluster/backplane.js'
import { Channels } from './cluster/channels.js'
import { openBackplane } from './cluster/open-backplane.js'
import { Probes } from './cluster/probes.js'
import { DiscoveryBudget } from './discovery/budget.js'
import { DeltaDiscovery } from './discovery/delta-discovery.js'
import { Discovery } from './discovery/discovery.js'
import { LimitedLogger, type Logger } from './logger.js'
import { Origins } from './names/origins.js'
import type { OwnNames } from './names/own-names.js'
import type { ResolvedOptions } from './option-types.js'
import { Proxies } from './pacing/proxies.js'
import { WorkQueue } from './pacing/work-queue.js'
import { RefusalLog } from './refusal-log.js'
import { Registry } from './registry/registry.js'
import { FlowControl } from './relay/flow-control.js'
import { Router } from './relay/router.js'
import { Dialing } from './star/dial.js'
import { Joining } from './star/join.js'
import { OtherNodes } from './star/other-nodes.js'
import { SessionLog } from './star/session-log.js'
import { Sessions } from './star/sessions.js'
import { Ownership } from './star/ownership.js'
import { Counters } from './stats.js'
import { BacklogWatch } from './transport/backlog.js'
import { Engine } from './transport/engine.js'
import { Reassurance } from './transport/reassurance.js'

/** Initial window of a half between nodes, in bytes; the same on all nodes. */
const INITIAL_CHANNEL_WINDOW = 262_144

/** Milliseconds of a clock that nobody can set. */
const now = () => performance.now()

/** Parts of one server, each constructed with everything that it uses. */
export interface Parts {
  readonly counters: Counters
  readonly logger: Logger | undefined
  readonly registry: Registry
  readonly discovery: Discovery
  readonly deltas: DeltaDiscovery
  readonly flow: FlowControl
  readonly router: Router
  readonly backlog: BacklogWatch
  readonly workQueue: WorkQueue
  readonly budget: Budget
  readonly joining: Joining
  readonly sessions: Sessions
  readonly backplane: Backplane
  /** Other nodes may belong to the star. */
  readonly isShared: boolean
  readonly channels: Channels
  readonly otherNodes: OtherNodes
  readonly proxies: Proxies
  readonly origins: Origins
  /** @param isFull - returns whether new sessions are rejected */
  openEngine(isFull: () => boolean): Engine
  /** Enforces the time limits of all parts. */
  sweep(): void
}

const RECEIVED_SHARE_PER_IP = 1 / 8
const BACKLOG_SHARE_PER_IP = 1 / 16
/** Queued session closes; a later sweep closes the rest. */
const MAX_QUEUED_CLOSES = 16_384

/**
 * @param backplane - by default it is made from the options
 * @throws {InvalidOptionsError}
 */
export function compose(
  options: ResolvedOptions,
  logger: Logger | undefined,
  names: OwnNames,
  backplane?: Backplane
): Parts {
  const proxies = new Proxies(options.trustProxy, logger)
  const origins = new Origins(options.allowedOrigins, names, proxies)
  const { join, dial, relay, limits, heartbeat } = options
  const limited = logger === undefined ? undefined : new LimitedLogger(logger)
  const onFault = (error: unknown) => limited?.error({ err: error }, 'a handler failed; its request was dropped')
  const counters = new Counters()
  const refusals = limited === undefined ? undefined : new RefusalLog(limited, now)
  if (refusals !== undefined) counters.onRefuse = (reason, describe) => refusals.report(reason, describe)
  const log = limited === undefined ? undefined : new SessionLog(limited)

  const flow = new FlowControl(relay, counters, now)
  const router = new Router(
    { streamsPerSession: limits.streamsPerSession, acceptTimeout: dial.acceptTimeout },
    flow,
    counters,
    now
  )

  const budget = new Budget(budgetLimits(options), now)
  const workQueue = new WorkQueue(limits.waiting)
  const endings = new WorkQueue(MAX_QUEUED_CLOSES)
  const backlog = new BacklogWatch(relay, endings, now)
  const reassurance = new Reassurance(heartbeat.timeout / 3, flow, backlog, now)

  const registry = new Registry()
  const discoveryBudget = new DiscoveryBudget(options.discovery, counters, now)
  const discovery = new Discovery(options.discovery, registry, discoveryBudget, counters, now, onFault)
  const deltas = new DeltaDiscovery(options.discovery.deltaInterval, registry, discoveryBudget, counters)

  const nodes = backplane ?? openBackplane(options, onFault, limited)
  const probes = new Probes(nodes, join.takeoverTimeout)
  const channels = new Channels(
    {
      window: { initial: INITIAL_CHANNEL_WINDOW, max: options.cluster.linkWindow },
      answerTimeout: dial.ackTimeout + relay.pauseTimeout,
      maxKept: relay.maxBufferedBytes
    },
    nodes,
    router,
    flow,
    counters,
    (incoming) => dialing.answer(incoming),
    now
  )

  const ownership = new Ownership(registry, nodes, (node, key) => probes.ask(node, key), join.takeoverTimeout, onFault)
  const joining = new Joining(
    {
      cryptoChallenge: options.cryptoChallenge,
      strictMultiaddr: options.strictMultiaddr,
      names,
      nonceTtl: join.nonceTtl,
      minRsaBits: join.minRsaBits,
      maxPrefixes: options.discovery.prefixes,
      joinListSize: options.discovery.joinList,
      ...limits
    },
    registry,
    ownership,
    discoveryBudget,
    counters,
    onFault,
    now,
    log
  )
  const dialing = new Dialing(
    { ackTimeout: dial.ackTimeout, ...limits },
    registry,
    router,
    nodes,
    channels,
    counters,
    onFault,
    log
  )
  const sessions = new Sessions(
    { joinDeadline: join.deadline },
    { ownership, joining, dialing, router, workQueue, endings, counters, isQuiet: () => channels.isQuiet, onFault, log }
  )

  return {
    counters,
    logger: limited,
    budget,
    registry,
    discovery,
    deltas,
    flow,
    router,
    backlog,
    workQueue,
    joining,
    sessions,
    backplane: nodes,
    isShared: backplane !== undefined || options.redis !== undefined,
    channels,
    otherNodes: new OtherNodes({ ownership, channels, probes, onFault }),
    proxies,
    origins,
    openEngine: (isFull) =>
      new Engine(
        {
          messageSize: limits.messageSize,
          pingInterval: heartbeat.interval,
          pingTimeout: heartbeat.timeout,
          sessionsPerIp: limits.sessionsPerIp,
          gatherTime: relay.gatherTime,
          announcedLimits: { messageSize: limits.messageSize, streamsPerSession: limits.streamsPerSession }
        },
        {
          budget,
          isFull,
          workQueue,
          proxies,
          origins,
          router,
          flow,
          backlog,
          counters,
          logger: limited,
          onOpen: (session) => sessions.opened(session),
          onRequest: (session, name, args, ack) => sessions.requested(session, name, args, ack),
          onEnd: (session, reason) => sessions.ended(session, reason),
          onFault
        }
      ),
    sweep: () => {
      budget.sweep()
      discoveryBudget.sweep()
      sessions.sweep()
      joining.sweep()
      deltas.sweep()
      router.sweep()
      backlog.sweep()
      reassurance.sweep()
      channels.sweep()
    }
  }
}

/** Derives the limits of an IP address that are shares of a limit of the whole server. */
export function budgetLimits({ limits, relay }: Pick<ResolvedOptions, 'limits' | 'relay'>): BudgetLimits {
  return {
    ...limits,
    receivedBytesPerIp: Math.max(limits.receivedBytes * RECEIVED_SHARE_PER_IP, 2 * limits.messageSize),
    bufferedBytesPerIp: relay.maxBufferedBytes * BACKLOG_SHARE_PER_IP
  }
}
