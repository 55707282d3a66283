import type { Server } from 'node:http'
import { isIPv6, type AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { AttachedServer, isSecureServer } from './attached-server.js'
import type { Backplane } from './cluster/backplane.js'
import { compose, type Parts } from './compose.js'
import { AlreadyStartedError, NotListeningError, StartAbortedError } from './errors.js'
import { Admin } from './http/admin.js'
import { BasePath } from './http/base-path.js'
import { Connections } from './http/connections.js'
import { Gate } from './http/gate.js'
import { MetricsText } from './http/metrics-text.js'
import { createMetrics } from './http/metrics.js'
import { createPages, type PagesOptions } from './http/pages.js'
import { StatusFeed } from './http/status-feed.js'
import { readTls } from './http/tls.js'
import { TlsFiles } from './http/tls-files.js'
import type { CountingLogger, Logger } from './logger.js'
import { certificateNames, type CertificateNames } from './names/certificate-names.js'
import { OwnNames } from './names/own-names.js'
import type { ResolvedOptions, ServerOptions } from './option-types.js'
import { checkAttachPath, InvalidOptionsError, parseOptions } from './options.js'
import { readOpenFiles } from './pacing/open-files.js'
import { ListeningServer, type HttpServer, type ServerHandlers } from './server.js'
import type { ClusterStats, RendezvousStats } from './stats.js'
import { ENGINE_PATH, type Engine } from './transport/engine.js'
import { VERSION } from './version.js'

export interface RendezvousAddress {
  host: string
  port: number
  /** `http://host:port`, or `https://…`; followed by the path that the server is attached at */
  url: string
  /** Address prefix for clients on this machine; `/p2p/<peer id>` follows it. */
  multiaddr: string
}

/** Argument of {@link createRendezvous}: the options of the command line, a logger and a backplane. */
export interface RendezvousOptions extends ServerOptions {
  /** Pino logger, or an object with its `debug`, `info`, `warn` and `error`. Nothing is logged without one. */
  logger?: CountingLogger
  /**
   * Connection to the other nodes of the star; by default it is made from the option `redis`. Servers in one process
   * share a star if each has a {@link LocalBackplane} of the same {@link LocalStar}.
   */
  backplane?: Backplane
}

export interface DrainOptions {
  /** Milliseconds that streams have to finish; by default the option `drainTimeout`. */
  timeout?: number
  /** Cancels the drain: the server admits clients again. Those that have left do not come back by themselves. */
  signal?: AbortSignal
}

export interface AttachOptions {
  /** Path that the server is below, such as `/star`; clients connect to `/star/socket.io/`. */
  path: string
}

/** A rendezvous server. Several can run in one process. */
export interface Rendezvous extends AsyncDisposable {
  /**
   * Starts to listen. Rejects with the operating system's error, {@link RedisError}, {@link AlreadyStartedError}, or
   * {@link StartAbortedError} if the server is stopped while it waits for the other nodes.
   */
  start(): Promise<void>
  /**
   * Starts below a path of an HTTP server of `node:http` or `node:https`, which need not listen yet. Requests outside the path are
   * left to the application, and so is all that concerns the HTTP server: port, certificate, time limits, closing. Names in its
   * certificate are not known here: name them by the option `publicAddresses`.
   *
   * Rejects like {@link Rendezvous.start}, or with {@link InvalidOptionsError}.
   */
  attach(httpServer: Server, options: AttachOptions): Promise<void>
  /**
   * Closes every session and stops listening. A stopped server can be started again. An HTTP server that it was attached to keeps
   * running without it.
   */
  stop(): Promise<void>
  /**
   * Rejects new peers, tells clients to use other servers, lets open streams finish, then stops. Rejects with the reason of
   * `signal` if that aborts before the server stops.
   */
  drain(options?: DrainOptions): Promise<void>
  /**
   * Reads the files of the certificate again. That is done by itself too, soon after a file has changed.
   *
   * @throws {InvalidOptionsError} if a file cannot be used; the previous certificate stays in use then
   */
  reload(): void
  /** @throws {NotListeningError} */
  address(): RendezvousAddress
  stats(): RendezvousStats
  /** Options with every default applied. */
  readonly options: ResolvedOptions
  /** Public addresses, and DNS names in the certificate. While the list is empty, clients may join under any name. */
  readonly names: readonly string[]
}

const MAX_SWEEP_INTERVAL = 1_000
/** Status pages with live figures; the server sends one update per second to each. */
const MAX_STATUS_PAGES = 64
/** TCP connections per session: a client that polls has two requests in progress. */
const CONNECTIONS_PER_SESSION = 2

/**
 * Creates a server; `start` makes it listen.
 *
 * @throws {InvalidOptionsError}
 */
export function createRendezvous({ logger, backplane, ...options }: RendezvousOptions = {}): Rendezvous {
  return new RendezvousServer(parseOptions(options), logger, backplane)
}

/** Logs why {@link Rendezvous.reload} failed. */
export function logFailedReload(logger: Logger | undefined, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error)
  logger?.error({ why }, 'the certificate could not be read again; the previous one stays in use')
}

/** Place that a server is at. */
interface Site {
  secure: boolean
  path: BasePath
  /** Whether an application serves everything that is not below the path. */
  isAttached: boolean
  open(handlers: ServerHandlers, connections: Connections): HttpServer | Promise<HttpServer>
}

class RendezvousServer implements Rendezvous {
  readonly options: ResolvedOptions
  readonly #logger: CountingLogger | undefined
  readonly #tlsFiles: TlsFiles
  #tls: SecureContextOptions | undefined
  readonly #names: OwnNames
  readonly #parts: Parts
  #running:
    | {
        server: HttpServer
        site: Site
        connections: Connections
        engine: Engine
        feed: StatusFeed
        timers: NodeJS.Timeout[]
      }
    | undefined
  #started: Promise<void> | undefined
  #lastStop: Promise<void> | undefined
  /** Set until the node has joined its cluster, which takes seconds if Redis is out of reach. */
  #joiningCluster: AbortController | undefined
  /** Drains in progress. */
  #drains = 0
  /** Cancels the drain that an operator has asked for. */
  #operatorDrain: AbortController | undefined

  constructor(options: ResolvedOptions, logger: CountingLogger | undefined, backplane: Backplane | undefined) {
    this.options = options
    this.#logger = logger
    this.#tlsFiles = new TlsFiles(options)
    this.#tlsFiles.willRead()
    this.#tls = readTls(options)
    this.#names = new OwnNames(options.publicAddresses, this.#tls && certificateNames(this.#tls))
    this.#parts = compose(options, logger, this.#names, backplane)
  }

  get names(): readonly string[] {
    return this.#names.list
  }

  async start(): Promise<void> {
    await this.#startAt({
      secure: this.#tls !== undefined,
      path: new BasePath(this.options.basePath),
      isAttached: false,
      open: (handlers, connections) => ListeningServer.listen(this.#tls, this.options, handlers, connections)
    })
  }

  async attach(httpServer: Server, { path: text }: AttachOptions): Promise<void> {
    checkAttachPath(text)
    if (this.#tls !== undefined) {
      const message = 'the HTTP server has the certificate: leave out key, cert and pfx'
      throw new InvalidOptionsError([{ path: [this.options.pfx === undefined ? 'cert' : 'pfx'], message }])
    }
    const path = new BasePath(text)
    await this.#startAt({
      secure: isSecureServer(httpServer),
      path,
      isAttached: true,
      open: (handlers, connections) => new AttachedServer(httpServer, path, handlers, connections)
    })
  }

  async #startAt(site: Site): Promise<void> {
    if (this.#started !== undefined) throw new AlreadyStartedError()
    if (this.#parts.isShared) this.#joiningCluster = new AbortController()
    const started = this.#start(site, this.#lastStop)
    this.#started = started
    try {
      await started
    } catch (error) {
      if (this.#started === started) this.#started = undefined
      throw error
    }
  }

  async #start(site: Site, lastStop: Promise<void> | undefined): Promise<void> {
    if (lastStop !== undefined) {
      await lastStop
      this.#readCertificate()
    }
    const { sessions } = this.#parts
    sessions.open()
    const connections = this.#createConnections()
    const engine = this.#parts.openEngine(() => connections.areShort)
    const feed = new StatusFeed({
      stats: () => this.stats(),
      state: () => this.#state(),
      version: VERSION,
      maxClients: MAX_STATUS_PAGES,
      counters: this.#parts.counters
    })
    const pages = this.#createPages(site, feed, connections)
    await this.#joinCluster()
    let server: HttpServer
    try {
      const gate = new Gate({ names: this.#names, secure: site.secure, ...this.#parts })
      server = await site.open(
        site.path.before(
          gate.before({
            request: (request, response) => {
              if (request.url?.startsWith(ENGINE_PATH)) engine.request(request, response)
              else pages(request, response)
            },
            upgrade: (request, socket, head) => {
              if (request.url?.startsWith(ENGINE_PATH)) engine.upgrade(request, socket, head)
              else socket.destroy()
            }
          })
        ),
        connections
      )
    } catch (error) {
      await this.#leaveCluster()
      throw error
    }
    server.whenListening((port) => this.#names.listensOn(port))
    this.#tlsFiles.watch(() => this.#certificateChanged())
    this.#running = { server, site, connections, engine, feed, timers: this.#startTimers() }
    feed.start()
  }

  reload(): void {
    const certificate = this.#readCertificate()
    if (this.#tls === undefined) return
    this.#running?.server.renew(this.#tls)
    const { names, validTo } = certificate ?? {}
    this.#logger?.info({ names, validTo }, 'the certificate was read again')
  }

  /** @throws {InvalidOptionsError} */
  #readCertificate(): CertificateNames | undefined {
    this.#tlsFiles.willRead()
    const tls = readTls(this.options)
    const certificate = tls && certificateNames(tls)
    this.#tls = tls
    this.#names.renewed(certificate)
    return certificate
  }

  #certificateChanged(): void {
    try {
      this.reload()
    } catch (error) {
      logFailedReload(this.#logger, error)
    }
  }

  #state(): 'ready' | 'draining' | 'fenced' {
    const { sessions, backplane } = this.#parts
    return sessions.isDraining ? 'draining' : backplane.isFenced ? 'fenced' : 'ready'
  }

  #createConnections(): Connections {
    const { budget, counters, proxies } = this.#parts
    return new Connections({
      perIp: this.options.limits.sessionsPerIp * CONNECTIONS_PER_SESSION,
      openFiles: readOpenFiles(),
      counters,
      accountOf: (ip) => budget.addressOf(proxies.socketRemote(ip)),
      now: budget.now
    })
  }

  #createPages(site: Site, feed: StatusFeed, connections: Connections): ReturnType<typeof createPages> {
    const { publicAddresses, playground, privateDetails } = this.options
    const { budget, proxies, counters } = this.#parts
    return createPages({
      secure: site.secure,
      ownsHost: !site.isAttached,
      requestedAt: (request) => proxies.requestedAt(request),
      publicAddress: publicAddresses[0],
      fallbackAddress: () => (this.#socketAddress === undefined ? '' : this.address().multiaddr),
      state: () => this.#state(),
      feed,
      admin: this.#createAdmin(),
      playground,
      metrics: this.#createMetrics(),
      publicFigures: this.options.metrics,
      privateDetails,
      accountOf: (request) => budget.addressOf(proxies.remoteOf(request)),
      isShort: () => connections.areShort,
      counters
    })
  }

  #createMetrics(): PagesOptions['metrics'] {
    const clusterStats = this.#parts.isShared ? () => this.#clusterStats() : undefined
    const create = (hasDetails: boolean) => new MetricsText(createMetrics(() => this.stats(), clusterStats, hasDetails))
    const [forOperators, forStrangers] = [create(true), create(false)]
    return (hasDetails) => (hasDetails ? forOperators : forStrangers)
  }

  #createAdmin(): Admin | undefined {
    const { adminToken } = this.options
    if (adminToken === undefined) return undefined
    const { registry, router, budget, counters, logger, proxies } = this.#parts
    return new Admin({
      token: adminToken,
      registry,
      router,
      budget,
      counters,
      logger,
      addressOf: (request) => proxies.remoteOf(request).ip,
      drain: () => void this.#drainForOperator(),
      cancelDrain: () => this.#cancelDrain()
    })
  }

  #startTimers(): NodeJS.Timeout[] {
    const { join, dial, relay, heartbeat, discovery } = this.options
    const shortest = Math.min(
      MAX_SWEEP_INTERVAL,
      join.deadline,
      dial.acceptTimeout,
      join.nonceTtl,
      relay.pauseTimeout / 4,
      relay.stallTimeout / 4,
      heartbeat.timeout / 4
    )
    return [
      setInterval(() => this.#parts.sweep(), shortest).unref(),
      setInterval(() => this.#parts.discovery.tick(), discovery.interval).unref()
    ]
  }

  stop(): Promise<void> {
    if (this.#started !== undefined) this.#lastStop = this.#stop(this.#started)
    this.#started = undefined
    return this.#lastStop ?? Promise.resolve()
  }

  async #stop(started: Promise<void>): Promise<void> {
    if (this.#joiningCluster !== undefined) {
      this.#joiningCluster.abort()
      await this.#leaveCluster()
    }
    // `start` reports its own error.
    await started.catch(() => {})
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    const { workQueue, discovery, deltas, sessions } = this.#parts
    for (const timer of running.timers) clearInterval(timer)
    this.#tlsFiles.close()
    workQueue.stop()
    discovery.stop()
    deltas.stop()
    sessions.closeAll()
    running.engine.close()
    running.feed.close()
    await running.server.close()
    await this.#leaveCluster()
  }

  async #joinCluster(): Promise<void> {
    const { backplane, otherNodes } = this.#parts
    const aborted = this.#joiningCluster?.signal
    try {
      if (aborted?.aborted !== true) await backplane.start(otherNodes)
    } catch (error) {
      if (aborted?.aborted !== true) throw error
    } finally {
      this.#joiningCluster = undefined
    }
    if (aborted?.aborted === true) throw new StartAbortedError()
  }

  async #leaveCluster(): Promise<void> {
    const { channels, backplane, otherNodes } = this.#parts
    channels.stop()
    await backplane.stop()
    // Again, for channels that were opened in the meantime.
    channels.stop()
    otherNodes.snapshot([])
  }

  async drain({ timeout = this.options.drainTimeout, signal }: DrainOptions = {}): Promise<void> {
    const running = this.#running
    if (running === undefined) return await this.stop()
    signal?.throwIfAborted()
    const { sessions, router } = this.#parts
    running.engine.refuseNew()
    const { streams } = this.stats()
    if (sessions.size > 0 && !sessions.isDraining) {
      this.#logger?.info(
        { sessions: sessions.size, streams, timeout },
        'draining: new clients are rejected, open streams may finish'
      )
    }
    this.#drains++
    await sessions.drain(timeout, signal)
    this.#drains--
    if (signal?.aborted === true && this.#running === running) {
      // Another drain goes on.
      if (this.#drains === 0) {
        sessions.open()
        running.engine.admitNew()
        this.#logger?.info('the drain was cancelled: new clients are admitted again')
      }
      signal.throwIfAborted()
    }
    const { size: left } = router
    if (left > 0) this.#logger?.info({ streams: left }, 'drain timeout: the remaining streams are ended')
    await this.stop()
  }

  async #drainForOperator(): Promise<void> {
    if (this.#operatorDrain !== undefined) return
    const { signal } = (this.#operatorDrain = new AbortController())
    try {
      await this.drain({ signal })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#operatorDrain = undefined
    }
  }

  /** Returns whether there was a drain to cancel that an operator has asked for. */
  #cancelDrain(): boolean {
    if (this.#operatorDrain === undefined || this.#running === undefined) return false
    this.#operatorDrain.abort()
    return true
  }

  /** IP address and port; undefined if the server listens on none, such as that of an application on a Unix socket. */
  get #socketAddress(): AddressInfo | undefined {
    const address = this.#running?.server.address
    return typeof address === 'string' ? undefined : (address ?? undefined)
  }

  address(): RendezvousAddress {
    if (this.#running === undefined) throw new NotListeningError()
    const { site } = this.#running
    if (this.#socketAddress === undefined) throw new NotListeningError()
    const { address: host, port } = this.#socketAddress
    const v6 = isIPv6(host)
    // Old clients know addresses of IPv4 only.
    const machine = host === '::' ? '/ip4/127.0.0.1' : `/${v6 ? 'ip6' : 'ip4'}/${host}`
    const [scheme, transport] = site.secure ? ['https', 'wss'] : ['http', 'ws']
    return {
      host,
      port,
      url: `${scheme}://${v6 ? `[${host}]` : host}:${port}${site.isAttached ? site.path.text : ''}`,
      multiaddr: `${machine}/tcp/${port}/${transport}/p2p-websocket-star`
    }
  }

  stats(): RendezvousStats {
    const { sessions, registry, router, backlog, flow, joining, workQueue, budget, isShared, counters } = this.#parts
    return {
      sessions: sessions.size,
      peers: registry.size,
      streams: router.size,
      bufferedBytes: backlog.buffered,
      pausedSenders: flow.paused.size,
      pendingChallenges: joining.pendingChallenges,
      waiting: workQueue.size,
      connections: this.#running?.connections.size ?? 0,
      slowed: budget.slowed,
      receivedBytes: budget.received,
      lostLogLines: this.#logger?.lostLines ?? 0,
      work: { ...budget.done },
      ...(isShared ? { cluster: this.#clusterStats() } : {}),
      ...counters.snapshot()
    }
  }

  #clusterStats(): ClusterStats {
    const { backplane, channels } = this.#parts
    return { node: backplane.node, ...backplane.stats(), dials: channels.size, keptBytes: channels.kept }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
