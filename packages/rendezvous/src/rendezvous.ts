import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { isIPv6, type AddressInfo, type Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { parseAddress } from '@websocket-star/protocol'
import proxyAddr from 'proxy-addr'
import type { Backplane } from './cluster/backplane.js'
import { Channels } from './cluster/channels.js'
import { Cluster } from './star/other-nodes.js'
import { openBackplane } from './cluster/open-backplane.js'
import { Probes } from './cluster/probes.js'
import { Admin } from './http/admin.js'
import { createMetrics } from './http/metrics.js'
import { createPages } from './http/pages.js'
import { StatusFeed } from './http/status-feed.js'
import { readTls } from './http/tls.js'
import { LimitedLogger, type Logger } from './logger.js'
import { InvalidOptionsError, parseOptions, type RendezvousInput, type RendezvousOptions } from './options.js'
import { FlowControl } from './relay/flow-control.js'
import { Router } from './relay/router.js'
import { Dialing } from './star/dial.js'
import { Discovery } from './discovery/discovery.js'
import { Holders } from './star/takeover.js'
import { Joining } from './star/join.js'
import { Registry } from './registry/registry.js'
import { Star } from './star/star.js'
import { Counters, type ClusterStats, type RendezvousStats } from './stats.js'
import { BacklogWatch } from './transport/backlog.js'
import { Engine, ENGINE_PATH } from './transport/engine.js'
import { VERSION } from './version.js'
import { WorkQueue } from './pacing/work-queue.js'

/** Where a server listens. */
export interface RendezvousAddress {
  host: string
  port: number
  /** `http://host:port`, or `https://…` */
  url: string
  /** What clients of this machine join under, followed by `/p2p/<peer id>`. */
  multiaddr: string
}

/** A rendezvous server. Several may live in one process. */
export interface Rendezvous extends AsyncDisposable {
  /** Listens; rejects with the error of the operating system if it cannot, or with that of Redis if it is not reached. */
  start(): Promise<void>
  /** Closes every connection and stops listening. A stopped server may be started again. */
  stop(): Promise<void>
  /**
   * Stops gently: nobody may join any more, clients are sent elsewhere, and their streams may finish.
   *
   * @param timeout - milliseconds they have; by default the option `drainTimeout`
   */
  drain(timeout?: number): Promise<void>
  /** @throws {Error} while the server is not listening */
  address(): RendezvousAddress
  stats(): RendezvousStats
  /** The options it runs with. */
  readonly options: RendezvousOptions
}

/** How often connections, challenges and streams are looked at that wait for something, at most; in milliseconds. */
const SWEEP_INTERVAL = 1_000
/** What one direction of a dial between nodes may have under way to begin with; all nodes agree on it. In bytes. */
const STREAM_WINDOW = 262_144
/** Connections the operating system may hold ready to be taken: when all clients come back at once, the others ask again. */
const BACKLOG = 4_096

/**
 * Creates a server; it listens once started.
 *
 * @param logger - a pino logger, or anything with its `debug`, `info`, `warn` and `error`; without one nothing is logged
 * @param backplane - the way to other nodes of the same star; by default the one that the option `redis` names, if any.
 *   Servers of one process share a star by a {@link LocalBackplane} each, of one {@link LocalStar}
 * @throws {InvalidOptionsError}
 */
export function createRendezvous(input: RendezvousInput = {}, logger?: Logger, backplane?: Backplane): Rendezvous {
  return new RendezvousServer(parseOptions(input), logger, backplane)
}

/** Milliseconds, from any origin: no one may set this clock. */
const now = () => performance.now()

class RendezvousServer implements Rendezvous {
  readonly options: RendezvousOptions
  readonly #logger: Logger | undefined
  readonly #counters = new Counters()
  readonly #registry = new Registry()
  readonly #backlog: BacklogWatch
  readonly #flow: FlowControl
  readonly #router: Router
  readonly #discovery: Discovery
  readonly #joining: Joining
  readonly #workQueue: WorkQueue
  readonly #star: Star
  readonly #holders: Holders
  readonly #backplane: Backplane
  /** Other nodes may share the star. */
  readonly #isShared: boolean
  readonly #channels: Channels
  readonly #cluster: Cluster
  readonly #tls: SecureContextOptions | undefined
  #http: Server | undefined
  #engine: Engine | undefined
  #feed: StatusFeed | undefined
  #started: Promise<void> | undefined
  /** The last time that it was stopped. */
  #stopping: Promise<void> | undefined
  #timers: NodeJS.Timeout[] = []
  readonly #handshakes = new Set<Socket>()

  constructor(options: RendezvousOptions, logger: Logger | undefined, backplane: Backplane | undefined) {
    const { discovery, join, dial, relay, limits, heartbeat } = options
    const limited = logger === undefined ? undefined : new LimitedLogger(logger)
    this.options = options
    this.#logger = logger
    this.#tls = readTls(options)
    checkProxies(options.trustProxy)
    const onFault = (error: unknown) => limited?.error({ err: error }, 'a handler failed; the request was dropped')
    this.#backlog = new BacklogWatch(relay, now)
    this.#flow = new FlowControl(relay, this.#counters, now)
    this.#router = new Router(
      {
        streamsPerSession: limits.streamsPerSession,
        acceptTimeout: dial.acceptTimeout,
        pongInterval: heartbeat.timeout / 3
      },
      this.#flow,
      this.#backlog,
      this.#counters
    )
    this.#discovery = new Discovery(discovery, this.#registry, this.#counters, now, onFault)
    this.#backplane = backplane ?? openBackplane(options, onFault, limited)
    this.#isShared = backplane !== undefined || options.redis !== undefined
    const probes = new Probes(this.#backplane, join.takeoverTimeout)
    const holders = new Holders(
      this.#registry,
      this.#discovery,
      this.#backplane,
      (node, key) => probes.ask(node, key),
      join.takeoverTimeout,
      onFault
    )
    this.#holders = holders
    this.#joining = new Joining(
      {
        cryptoChallenge: options.cryptoChallenge,
        strictMultiaddr: options.strictMultiaddr,
        publicPrefixes: new Set(options.publicAddresses.map(publicPrefix)),
        nonceTtl: join.nonceTtl,
        takeoverTimeout: join.takeoverTimeout,
        minRsaBits: join.minRsaBits,
        addressesPerSession: limits.addressesPerSession,
        pendingChallenges: limits.pendingChallenges,
        joinRoundsPerSecond: limits.joinRoundsPerSecond,
        joinRoundsPerSecondPerIp: limits.joinRoundsPerSecondPerIp
      },
      holders,
      this.#discovery,
      this.#counters,
      onFault
    )
    this.#workQueue = new WorkQueue(limits.waiting)
    this.#channels = new Channels(
      {
        window: { initial: STREAM_WINDOW, max: options.cluster.streamWindow },
        answerTimeout: dial.ackTimeout + relay.holdTimeout,
        maxKept: relay.maxBufferedBytes
      },
      this.#backplane,
      this.#router,
      this.#counters,
      (incoming) => dialing.answer(incoming),
      now
    )
    const dialing = new Dialing(
      { ackTimeout: dial.ackTimeout, ...limits },
      this.#registry,
      this.#router,
      { backplane: this.#backplane, channels: this.#channels },
      this.#counters,
      onFault
    )
    this.#cluster = new Cluster({ holders, channels: this.#channels, probes, onFault })
    this.#star = new Star(
      {
        joinDeadline: join.deadline
      },
      {
        holders,
        discovery: this.#discovery,
        joining: this.#joining,
        dialing,
        router: this.#router,
        channels: this.#channels,
        workQueue: this.#workQueue,
        counters: this.#counters,
        onFault
      }
    )
  }

  async start(): Promise<void> {
    if (this.#started !== undefined) throw new Error('This server is started already')
    const started = this.#listen(this.#stopping)
    this.#started = started
    try {
      await started
    } catch (error) {
      if (this.#started === started) this.#started = undefined
      throw error
    }
  }

  /** @param stopped - when all of the last time is over */
  async #listen(stopped: Promise<void> | undefined): Promise<void> {
    await stopped
    this.#star.open()
    const { host, port, heartbeat, limits, join, dial, relay, discovery } = this.options
    const engine = new Engine(
      {
        messageSize: limits.messageSize,
        pingInterval: heartbeat.interval,
        pingTimeout: heartbeat.timeout,
        allowedOrigins: this.options.allowedOrigins,
        trustProxy: this.options.trustProxy,
        sessionsPerIp: limits.sessionsPerIp,
        gatherTime: relay.gatherTime,
        announcedLimits: { messageSize: limits.messageSize, streamsPerSession: limits.streamsPerSession }
      },
      this.#counters,
      this.#workQueue,
      this.#star,
      (session) => this.#star.attach(session)
    )
    const state = () => (this.#star.isDraining ? 'draining' : this.#backplane.isFenced ? 'fenced' : 'ready')
    const feed = new StatusFeed({
      stats: () => this.stats(),
      state,
      version: VERSION,
      maxClients: limits.statusPages
    })
    const pages = createPages({
      secure: this.#tls !== undefined,
      publicAddress: this.options.publicAddresses[0],
      fallbackAddress: () => this.address().multiaddr,
      state,
      feed,
      admin: this.#createAdmin(engine),
      playground: this.options.playground,
      metrics: this.options.metrics
        ? createMetrics(() => this.stats(), this.#isShared ? () => this.#clusterStats() : undefined)
        : undefined
    })
    const listener: RequestListener = (request, response) => {
      if (request.url?.startsWith(ENGINE_PATH)) engine.request(request, response)
      else pages(request, response)
    }
    const http = this.#tls === undefined ? createHttpServer(listener) : createHttpsServer(this.#tls, listener)
    if (this.#tls !== undefined) {
      http.on('connection', (socket: Socket) => {
        this.#handshakes.add(socket)
        socket.once('close', () => this.#handshakes.delete(socket))
      })
      http.on('secureConnection', ({ _parent }: { _parent?: Socket }) => _parent && this.#handshakes.delete(_parent))
    }
    http.on('upgrade', (request, socket, head) => {
      if (request.url?.startsWith(ENGINE_PATH)) return engine.upgrade(request, socket, head)
      socket.destroy()
    })
    await this.#backplane.start(this.#cluster)
    try {
      await listen(http, host, port)
    } catch (error) {
      await this.#leaveCluster()
      throw error
    }
    this.#http = http
    this.#engine = engine
    this.#feed = feed
    feed.start()
    const shortest = Math.min(
      SWEEP_INTERVAL,
      join.deadline,
      dial.acceptTimeout,
      join.nonceTtl,
      relay.holdTimeout / 4,
      relay.stallTimeout / 4,
      heartbeat.timeout / 4
    )
    this.#timers = [
      setInterval(() => this.#star.sweep(), shortest).unref(),
      setInterval(() => this.#discovery.tick(), discovery.interval).unref()
    ]
  }

  #createAdmin(engine: Engine): Admin | undefined {
    const { adminToken } = this.options
    if (adminToken === undefined) return undefined
    return new Admin({
      token: adminToken,
      registry: this.#registry,
      counters: this.#counters,
      addressOf: (request) => engine.remoteAddress(request),
      drain: () => void this.drain()
    })
  }

  stop(): Promise<void> {
    if (this.#started !== undefined) this.#stopping = this.#stop(this.#started)
    this.#started = undefined
    return this.#stopping ?? Promise.resolve()
  }

  async #stop(started: Promise<void>): Promise<void> {
    // A server that is just starting is waited for; one that could not start has told so.
    await started.catch(() => {})
    const http = this.#http
    if (http === undefined) return
    this.#http = undefined
    for (const timer of this.#timers) clearInterval(timer)
    this.#workQueue.stop()
    this.#discovery.stop()
    this.#star.closeAll()
    this.#engine?.close()
    this.#feed?.close()
    const closed = new Promise<void>((resolve) => http.close(() => resolve()))
    http.closeAllConnections()
    // What is still in the TLS handshake is no connection of http's yet.
    for (const socket of this.#handshakes) socket.destroy()
    await closed
    await this.#leaveCluster()
  }

  async #leaveCluster(): Promise<void> {
    this.#channels.stop()
    await this.#backplane.stop()
    // For what came meanwhile.
    this.#channels.stop()
    this.#holders.holdElsewhere([])
  }

  async drain(timeout = this.options.drainTimeout): Promise<void> {
    await this.#started?.catch(() => {})
    if (this.#http === undefined) return
    this.#engine?.refuseNew()
    const { sessions, streams } = this.stats()
    if (sessions > 0 && !this.#star.isDraining) {
      this.#logger?.info({ sessions, streams, timeout }, 'takes no new clients, and lets streams finish')
    }
    await this.#star.drain(timeout)
    const { size: left } = this.#router
    if (left > 0) this.#logger?.info({ streams: left }, 'cuts off the streams that are left')
    await this.stop()
  }

  address(): RendezvousAddress {
    const listening = this.#http?.address() as AddressInfo | null | undefined // it never listens on a pipe
    if (listening === undefined || listening === null) throw new Error('This server is not listening')
    const { address: host, port } = listening
    const v6 = isIPv6(host)
    const [scheme, transport] = this.#tls === undefined ? ['http', 'ws'] : ['https', 'wss']
    return {
      host,
      port,
      url: `${scheme}://${v6 ? `[${host}]` : host}:${port}`,
      multiaddr: `/${v6 ? 'ip6' : 'ip4'}/${host}/tcp/${port}/${transport}/p2p-websocket-star`
    }
  }

  stats(): RendezvousStats {
    return {
      sessions: this.#star.sessions,
      peers: this.#registry.size,
      streams: this.#router.size,
      bufferedBytes: this.#backlog.buffered,
      held: this.#flow.held.size,
      pendingChallenges: this.#joining.pendingChallenges,
      waiting: this.#workQueue.size,
      ...(this.#isShared ? { cluster: this.#clusterStats() } : {}),
      ...this.#counters.snapshot()
    }
  }

  #clusterStats(): ClusterStats {
    return {
      node: this.#backplane.node,
      ...this.#backplane.stats(),
      dials: this.#channels.size,
      keptBytes: this.#channels.kept
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Resolves once it listens; rejects with the error of the operating system. */
function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen({ port, host, backlog: BACKLOG }, () => {
      http.off('error', reject)
      resolve()
    })
  })
}

function checkProxies(proxies: readonly string[]): void {
  for (const proxy of proxies) {
    try {
      proxyAddr.compile(proxy)
    } catch (cause) {
      const message = `${proxy} is no address, no subnet, and none of loopback, linklocal and uniquelocal`
      throw new InvalidOptionsError([{ path: ['trustProxy'], message }], { cause })
    }
  }
}

function publicPrefix(text: string): string {
  let prefix: string | undefined
  try {
    prefix = parseAddress(text).prefix
  } catch (error) {
    throw invalidPublicAddress(`${text} is no multiaddr`, error)
  }
  if (prefix === undefined) throw invalidPublicAddress(`${text} does not contain /p2p-websocket-star`)
  return prefix
}

function invalidPublicAddress(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['publicAddresses'], message }], { cause })
}
