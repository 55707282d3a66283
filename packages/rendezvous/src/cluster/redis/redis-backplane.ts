import { randomBytes } from 'node:crypto'
import type { Claim, PeerRecord } from '../../registry/claim.js'
import type { BackplaneStats } from '../../stats.js'
import type { Backplane, BackplaneListener, NodeLink } from '../backplane.js'
import { Links } from '../links/links.js'
import type { LinksOptions } from '../links/options.js'
import { Agreement } from './agreement.js'
import { Connection, type Log, plainError } from './connection.js'
import { Engine } from './engine.js'
import { Feed } from './feed.js'
import { Inbox } from './inbox.js'
import { starKeys } from './keys.js'
import { KnownNodes, type NodesListener } from './known-nodes.js'
import { Lease } from './lease.js'
import { OwnClaims } from './own-claims.js'
import { type Change, isAddress, isKey, RecordReader } from './records.js'
import { bounded, Startup } from './startup.js'

export interface RedisBackplaneOptions {
  /** `redis://` or, with TLS, `rediss://`; with user, password and database, if need be. */
  readonly url: string
  /** Nodes of the same star see each other; one Redis may have several stars. */
  readonly star: string
  /** What this node's id begins with. */
  readonly nodeName: string
  /** Milliseconds after which the peers of a node that has crashed are removed. Default 10,000. */
  readonly leaseTtl: number
  /** Milliseconds between two renewals of this node's lease. Default 3,000. */
  readonly renewInterval: number
  /** Milliseconds between two looks for nodes that have crashed. Default 1,000. */
  readonly reapInterval: number
  /** Milliseconds after which {@link RedisBackplane.start} gives up. Default 10,000. */
  readonly connectTimeout: number
  readonly links: LinksOptions
}

/** Milliseconds between two looks at all that may take too long. */
const SWEEP = 250
/** Milliseconds that Redis waits for something new in the feed. */
const BLOCK = 2_000
/** Milliseconds that leaving may take: if it fails, the lease ends by itself. */
const LEAVE_TIMEOUT = 2_000
const LOOKUP_TIMEOUT = 2_000
/** After such a part of a lease all nodes have written again what Redis had lost: each renews its lease before. */
const RECOVERY_PART = 1 / 2
/**
 * Nodes that share a star through Redis 7 or Valkey 8. The nodes themselves know best what they hold: whenever Redis may
 * have lost something, or this node may not have heard of something, it writes what it holds again and reads all anew.
 */
export class RedisBackplane implements Backplane {
  readonly node: string
  readonly #options: RedisBackplaneOptions
  readonly #onFault: (error: unknown) => void
  readonly #log: Log
  readonly #now: () => number
  readonly #reader = new RecordReader()
  readonly #commands: Connection
  readonly #leaseConnection: Connection
  readonly #subscriber: Connection
  readonly #feedConnection: Connection
  readonly #engine: Engine
  readonly #inbox: Inbox
  readonly #claims: OwnClaims
  readonly #lease: Lease
  readonly #feed: Feed
  readonly #nodes: KnownNodes
  readonly #agreement: Agreement
  readonly #stopping = new AbortController()
  #listener: BackplaneListener | undefined
  #links: Links | undefined
  #sweeper: NodeJS.Timeout | undefined
  /** Runs while other nodes may not have written again yet what Redis has lost. */
  #recovery: NodeJS.Timeout | undefined
  /** Id of the feed's connection in Redis. */
  #feedClient: number | undefined
  #startup: Startup | undefined
  #isStarted = false
  #stopped: Promise<void> | undefined
  #wasFenced = true
  /** Of the last renewal: the feed has to have moved by the next one, if it was behind. */
  #lag = { position: 0, sequence: 0 }
  #refusedClaims = 0

  /**
   * @param onFault - hears of errors in what this is told to call
   * @param now - milliseconds of a clock that is never set
   */
  constructor(
    options: RedisBackplaneOptions,
    onFault: (error: unknown) => void,
    log: Log = { info: () => {}, warn: () => {} },
    now: () => number = () => performance.now()
  ) {
    if (!/^rediss?:\/\//.test(options.url))
      throw new TypeError('The URL of Redis must begin with redis:// or rediss://')
    this.node = nodeId(options.nodeName)
    this.#options = options
    this.#onFault = onFault
    this.#log = log
    this.#now = now
    const { leaseTtl, renewInterval } = options
    const keys = starKeys(options.star)
    this.#commands = this.#connect(
      'commands',
      () => this.#connected(),
      () => this.#disconnected()
    )
    this.#leaseConnection = this.#connect(
      'lease',
      () => {},
      () => {}
    )
    this.#subscriber = this.#connect(
      'inbox',
      () => void this.#inbox.subscribe(),
      () => this.#inbox.closed()
    )
    this.#feedConnection = this.#connect(
      'feed',
      () => void this.#feedConnected(),
      () => (this.#feedClient = undefined)
    )
    const engine = new Engine(this.#commands, keys, this.node, this.#reader)
    this.#engine = engine
    this.#nodes = new KnownNodes(leaseTtl, this.#nodesListener(), now)
    this.#lease = new Lease(
      engine,
      new Engine(this.#leaseConnection, keys, this.node, this.#reader),
      [this.#commands, this.#leaseConnection],
      options,
      {
        state: ({ sequence }) => this.#watchFeed(sequence),
        nodes: (nodes) => {
          this.#nodes.told(nodes)
          this.#links?.nodes(this.#nodes.ids)
        },
        uncertain: (why) => this.#wantAll(why),
        lost: () => this.#awaitOthers()
      },
      now
    )
    this.#claims = new OwnClaims(
      engine,
      {
        uncertain: (error) => this.#wantAll(error.message),
        counted: (sequence) => this.#lease.saw(sequence),
        elsewhere: (record) => this.#tell((listener) => listener.joined(record))
      },
      now
    )
    this.#inbox = new Inbox(
      this.#subscriber,
      keys.inboxPrefix + this.node,
      (message) => engine.publish(this.node, message),
      renewInterval,
      (envelope) => this.#links?.receive(envelope),
      () => {
        this.#links?.resume()
        this.#watchStart()
      },
      now
    )
    this.#feed = new Feed(
      this.#feedConnection,
      keys.feed,
      Math.min(BLOCK, leaseTtl / 2),
      this.#reader,
      {
        earlier: () => this.#claims.answers,
        changed: (change) => this.#changed(change),
        missed: () => this.#agreement.want('snapshot')
      },
      onFault
    )
    this.#agreement = new Agreement(
      {
        register: () => this.#register(),
        takeSnapshot: (isNew) => this.#takeSnapshot(isNew),
        failed: (error) => this.#failed(error)
      },
      () => this.#commands.isReady,
      this.#stopping.signal,
      now
    )
  }

  get isFenced(): boolean {
    return !this.#isStarted || this.#lease.isOver
  }

  get hasOthers(): boolean {
    return this.#nodes.size > (this.#nodes.has(this.node) ? 1 : 0)
  }

  /**
   * @throws {Error} if Redis cannot be reached within the time there is, or refuses user, password or commands; `cause`
   * is what it said
   */
  async start(listener: BackplaneListener): Promise<void> {
    if (this.#listener !== undefined || this.#stopped !== undefined) throw new Error('A backplane starts once')
    const { links, renewInterval, reapInterval, connectTimeout } = this.#options
    this.#listener = listener
    const carrier = { publish: (node: string, envelope: Buffer) => this.#engine.publish(node, envelope) }
    this.#links = new Links(this.node, links, carrier, listener, this.#onFault, this.#now)
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(SWEEP, renewInterval / 2, reapInterval))
    this.#startup = new Startup(connectTimeout, this.#now)
    for (const { redis } of this.#connections) redis.connect().catch(() => {})
    try {
      await this.#startup.ended
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  claim(claim: Claim): void {
    if (isKey(claim.key) && isAddress(claim.address)) {
      this.#claims.claim(claim)
    } else {
      // Other nodes would not read it.
      this.#refusedClaims++
      claim.settle()
    }
  }

  release(claim: Claim): void {
    this.#claims.release(claim)
  }

  async lookup(key: string): Promise<PeerRecord | undefined> {
    if (this.isFenced || !this.#commands.isReady) return undefined
    try {
      const record = await bounded(this.#engine.lookup(key), LOOKUP_TIMEOUT)
      // what this node has given up may still be on its way
      return record?.node === this.node ? undefined : record
    } catch {
      return undefined
    }
  }

  link(node: string): NodeLink {
    if (this.#links === undefined) throw new Error('This backplane was not started')
    return this.#links.link(node)
  }

  stats(): BackplaneStats {
    const links = this.#links?.stats
    return {
      nodes: this.#nodes.ids,
      fenced: this.isFenced,
      leaseAge: this.#lease.age,
      feedLag: Math.max(0, this.#lease.seen - this.#feed.position),
      links: links?.links ?? [],
      retransmits: links?.retransmits ?? 0,
      refusedEnvelopes: { ...links?.refused, record: this.#reader.refused, claim: this.#refusedClaims }
    }
  }

  get #connections(): readonly Connection[] {
    return [this.#commands, this.#leaseConnection, this.#subscriber, this.#feedConnection]
  }

  /** Tells the operator who comes and goes while this node takes part; when it begins to, it names all. */
  #nodesListener(): NodesListener {
    const log = (node: string, text: string): void => {
      if (node !== this.node && !this.#wasFenced) this.#log.info({ node }, text)
    }
    return {
      came: (node) => log(node, 'another node takes part in the star'),
      went: (node) => log(node, 'a node is gone from the star')
    }
  }

  #connect(purpose: string, onReady: () => void, onClosed: () => void): Connection {
    const { url, leaseTtl } = this.#options
    const options = { url, name: `${this.node}:${purpose}`, silence: leaseTtl }
    return new Connection(options, onReady, onClosed, this.#log)
  }

  /** Whether the start has succeeded, or will not. */
  #watchStart(): void {
    const failed = this.#connections.find(({ lastError }) => lastError !== undefined)
    const late = `did not answer as it should within ${this.#options.connectTimeout} ms`
    if (this.#isStarted && this.#inbox.isVerified) this.#startup?.end()
    else if (failed?.isRefused === true) this.#endStart('refused this node', failed.lastError)
    else if (this.#startup?.isOverdue === true) this.#endStart(late, failed?.lastError)
  }

  #endStart(why: string, cause: Error | undefined): void {
    const error = new Error(`Redis at ${place(this.#options.url)} ${why}`, { cause })
    this.#startup?.end(Object.assign(error, { code: 'ERR_REDIS' }))
  }

  #connected(): void {
    this.#inbox.verifyAnew()
    this.#agreement.want('all')
  }

  #disconnected(): void {
    this.#claims.close(new Error('the connection to Redis was lost'))
  }

  async #feedConnected(): Promise<void> {
    // before it waits for something new
    const id = this.#feedConnection.redis.client('ID')
    void this.#feed.read()
    try {
      this.#feedClient = await id
    } catch {
      // Then a wait for something new ends by itself.
    }
  }

  #wantAll(why: string): void {
    this.#log.info({ why }, 'compares all with Redis')
    this.#agreement.want('all')
  }

  #failed(error: unknown): void {
    // that a connection is lost has been told
    if (!this.#commands.isReady) return
    this.#commands.lastError = plainError(error)
    this.#log.warn({ err: error }, 'cannot agree with Redis; tries again')
  }

  async #register(): Promise<void> {
    this.#pauseFeed()
    this.#claims.close(new Error('this node registers anew'))
    this.#lease.saw(this.#feed.position)
    await this.#lease.register(this.#claims.nextTurn())
    this.#stopping.signal.throwIfAborted()
    await this.#claims.open()
  }

  async #takeSnapshot(isNew: boolean): Promise<void> {
    this.#pauseFeed()
    const { sequence, own, others } = await this.#engine.snapshot()
    this.#stopping.signal.throwIfAborted()
    const unsure = this.#recovery === undefined ? undefined : new Set(this.#nodes.ids)
    this.#tell((listener) => listener.snapshot(others, unsure))
    for (const record of others) this.#claims.heard(record)
    this.#claims.compare(own)
    this.#lease.saw(sequence)
    // if it began to wait just when it was not to
    this.#unblockFeed()
    this.#feed.resume(sequence, isNew)
    this.#isStarted = true
    this.#watchStart()
  }

  /** Nodes do not all learn at once that Redis has lost what they hold: nobody is to be taken for gone because of that. */
  #awaitOthers(): void {
    if (this.#stopping.signal.aborted) return
    clearTimeout(this.#recovery)
    this.#recovery = setTimeout(() => {
      this.#recovery = undefined
      this.#agreement.want('snapshot')
    }, this.#options.leaseTtl * RECOVERY_PART)
  }

  #pauseFeed(): void {
    this.#feed.pause()
    this.#unblockFeed()
  }

  /** What it waits for was to be told from another position. */
  #unblockFeed(): void {
    if (this.#feed.isReading && this.#feedClient !== undefined) this.#engine.unblock(this.#feedClient).catch(() => {})
  }

  #changed(change: Change): void {
    if (change.type === 'gone') {
      if (change.node === this.node) this.#wantAll('this node was given up')
      else {
        this.#nodes.gone(change.node)
        this.#links?.gone(change.node)
      }
    } else if (change.type === 'joined') {
      const { record } = change
      if (record.node === this.node) this.#listener?.left(record.key, record.generation)
      else {
        this.#tell((listener) => listener.joined(record))
        this.#claims.heard(record)
      }
    } else if (change.node !== this.node) this.#listener?.left(change.key, change.generation)
  }

  /** Changes that were made before the last renewal, of which none has come since, will not come. */
  #watchFeed(sequence: number): void {
    const { position } = this.#feed
    const isStuck = position === this.#lag.position && this.#lag.sequence > position
    this.#lag = { position, sequence }
    if (isStuck && !this.#feed.isPaused) this.#agreement.want('snapshot')
  }

  #sweep(): void {
    this.#lease.saw(this.#feed.position)
    this.#lease.sweep()
    this.#inbox.sweep()
    this.#claims.sweep()
    this.#links?.sweep()
    this.#watchStart()
    const { isFenced } = this
    if (isFenced === this.#wasFenced) return
    this.#wasFenced = isFenced
    if (isFenced) this.#log.warn({ node: this.node }, 'the lease could not be renewed: no other node can be reached')
    else this.#log.info({ node: this.node, nodes: this.#nodes.ids }, 'takes part in the star')
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#startup?.end(new Error('This backplane was stopped'))
    this.#isStarted = false
    clearInterval(this.#sweeper)
    clearTimeout(this.#recovery)
    this.#feed.stop()
    this.#claims.close(new Error('this node has stopped'))
    if (this.#lease.isHeld && this.#commands.isReady) {
      await bounded(this.#engine.leave(), LEAVE_TIMEOUT).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'this node could not leave the star; its lease ends by itself')
      })
    }
    this.#links?.stop()
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  #tell(message: (listener: BackplaneListener) => void): void {
    try {
      if (this.#listener !== undefined) message(this.#listener)
    } catch (error) {
      this.#onFault(error)
    }
  }
}

/** `name-random`, of characters that an id may have. */
function nodeId(name: string): string {
  const readable = name.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 51) || 'node'
  return `${readable}-${randomBytes(6).toString('hex')}`
}

/** Where Redis is, without user and password. */
function place(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'a place that is not a URL'
}
