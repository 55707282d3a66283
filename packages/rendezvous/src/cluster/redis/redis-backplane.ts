import { randomBytes } from 'node:crypto'
import { RedisError } from '../../errors.js'
import type { Claim, PeerRecord } from '../../registry/claim.js'
import type { BackplaneStats } from '../../stats.js'
import type { Backplane, BackplaneObserver, NodeLink } from '../backplane.js'
import { Links } from '../links/links.js'
import type { LinksOptions } from '../links/options.js'
import { RegistrySync } from './registry-sync.js'
import { RedisConnection, type Log, plainError } from './redis-connection.js'
import { StarCommands } from './star-commands.js'
import { Feed } from './feed.js'
import { InboxSubscription } from './inbox-subscription.js'
import { starKeys } from './keys.js'
import { KnownNodes, type NodesObserver } from './known-nodes.js'
import { Lease } from './lease.js'
import { OwnClaims } from './own-claims.js'
import { type FeedChange, isAddress, isKey, RecordReader } from './records.js'
import { withTimeout, Startup } from './startup.js'

export interface RedisBackplaneOptions {
  /** URL: `redis://`, or `rediss://` for TLS. The URL may have user, password and database. */
  readonly url: string
  /** Name of the star. One Redis may have several stars. */
  readonly star: string
  /** Prefix of this node's id. */
  readonly nodeName: string
  /** Milliseconds after which the peers of a node that has crashed are removed. Default 10,000. */
  readonly leaseTtl: number
  /** Milliseconds between renewals of this node's lease. Default 3,000. */
  readonly renewInterval: number
  /** Milliseconds between searches for crashed nodes. Default 1,000. */
  readonly reapInterval: number
  /** Milliseconds before {@link RedisBackplane.start} fails. Default 10,000. */
  readonly connectTimeout: number
  readonly links: LinksOptions
}

/** Milliseconds between checks of all timeouts. */
const SWEEP = 250
/** Milliseconds that a read of the feed blocks. */
const BLOCK = 2_000
/** Milliseconds that a stopping node has to leave the star. Otherwise its lease expires later. */
const LEAVE_TIMEOUT = 2_000
const LOOKUP_TIMEOUT = 2_000
/** Part of a lease within which every node notices that Redis lost data, and writes its claims again. */
const RECOVERY_PART = 1 / 2

/**
 * A node of a star that is shared through Redis 7 or Valkey 8. The nodes are the source of truth: when Redis may have lost
 * data, or this node may have missed changes, this node writes its claims again and takes a new snapshot.
 */
export class RedisBackplane implements Backplane {
  readonly node: string
  readonly #options: RedisBackplaneOptions
  readonly #onFault: (error: unknown) => void
  readonly #log: Log
  readonly #now: () => number
  readonly #reader = new RecordReader()
  readonly #commandConnection: RedisConnection
  readonly #leaseConnection: RedisConnection
  readonly #inboxConnection: RedisConnection
  readonly #feedConnection: RedisConnection
  readonly #commands: StarCommands
  readonly #inbox: InboxSubscription
  readonly #claims: OwnClaims
  readonly #lease: Lease
  readonly #feed: Feed
  readonly #nodes: KnownNodes
  readonly #sync: RegistrySync
  readonly #stopping = new AbortController()
  #observer: BackplaneObserver | undefined
  #links: Links | undefined
  #sweeper: NodeJS.Timeout | undefined
  /** Timer that runs while other nodes may still have to write their claims again. */
  #recovery: NodeJS.Timeout | undefined
  /** Client id of the feed's connection in Redis. */
  #feedClient: number | undefined
  #startup: Startup | undefined
  #isStarted = false
  #stopped: Promise<void> | undefined
  #wasFenced = true
  /** Position of the feed, and number of the star's last change, at the last renewal of the lease. */
  #lag = { position: 0, sequence: 0 }
  #refusedClaims = 0

  /** @param onFault - called with errors of the observer */
  constructor(
    options: RedisBackplaneOptions,
    onFault: (error: unknown) => void,
    log: Log = { info: () => {}, warn: () => {} },
    now: () => number = () => performance.now()
  ) {
    if (!/^rediss?:\/\//.test(options.url))
      throw new TypeError('The URL of Redis (option redis) must begin with redis:// or rediss://')
    this.node = nodeId(options.nodeName)
    this.#options = options
    this.#onFault = onFault
    this.#log = log
    this.#now = now
    const { leaseTtl, renewInterval } = options
    const keys = starKeys(options.star)
    this.#commandConnection = this.#connect(
      'commands',
      () => this.#connected(),
      () => this.#disconnected()
    )
    this.#leaseConnection = this.#connect(
      'lease',
      () => {},
      () => {}
    )
    this.#inboxConnection = this.#connect(
      'inbox',
      () => void this.#inbox.subscribe(),
      () => this.#inbox.closed()
    )
    this.#feedConnection = this.#connect(
      'feed',
      () => void this.#feedConnected(),
      () => (this.#feedClient = undefined)
    )
    const commands = new StarCommands(this.#commandConnection, keys, this.node, this.#reader)
    this.#commands = commands
    this.#nodes = new KnownNodes(leaseTtl, this.#nodesObserver(), now)
    this.#lease = new Lease(
      commands,
      new StarCommands(this.#leaseConnection, keys, this.node, this.#reader),
      [this.#commandConnection, this.#leaseConnection],
      options,
      {
        state: ({ sequence }) => this.#watchFeed(sequence),
        nodes: (nodes) => {
          this.#nodes.update(nodes)
          this.#links?.nodes(this.#nodes.ids)
        },
        outOfSync: (why) => this.#syncAll(why),
        dataLost: () => this.#awaitOthers()
      },
      now
    )
    this.#claims = new OwnClaims(
      commands,
      {
        outOfSync: (error) => this.#syncAll(error.message),
        sequenceKnown: (sequence) => this.#lease.saw(sequence),
        ownedElsewhere: (record) => this.#notify((observer) => observer.joined(record))
      },
      now
    )
    this.#inbox = new InboxSubscription(
      this.#inboxConnection,
      keys.inboxPrefix + this.node,
      (message) => commands.publish(this.node, message),
      renewInterval,
      (envelope) => this.#links?.receive(envelope),
      () => {
        this.#links?.resume()
        this.#checkStart()
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
        missed: () => this.#sync.request('snapshot')
      },
      onFault
    )
    this.#sync = new RegistrySync(
      {
        register: () => this.#register(),
        takeSnapshot: (isNew) => this.#takeSnapshot(isNew),
        failed: (error) => this.#failed(error)
      },
      () => this.#commandConnection.isReady,
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
   * @throws {RedisError} if Redis is not reached within `connectTimeout`, or refuses user, password or commands;
   * `cause` is the error of Redis
   */
  async start(observer: BackplaneObserver): Promise<void> {
    if (this.#observer !== undefined || this.#stopped !== undefined)
      throw new Error('A backplane can be started only once: create another one')
    const { links, renewInterval, reapInterval, connectTimeout } = this.#options
    this.#observer = observer
    const carrier = { publish: (node: string, envelope: Buffer) => this.#commands.publish(node, envelope) }
    this.#links = new Links(this.node, links, carrier, observer, this.#onFault, this.#now)
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
      // Other nodes would refuse the record as malformed.
      this.#refusedClaims++
      claim.settle()
    }
  }

  release(claim: Claim): void {
    this.#claims.release(claim)
  }

  async lookup(key: string): Promise<PeerRecord | undefined> {
    if (this.isFenced || !this.#commandConnection.isReady) return undefined
    try {
      const record = await withTimeout(this.#commands.lookup(key), LOOKUP_TIMEOUT)
      // The record may be this node's own, while its release is in flight.
      return record?.node === this.node ? undefined : record
    } catch {
      return undefined
    }
  }

  link(node: string): NodeLink {
    if (this.#links === undefined) throw new Error('This backplane has no links yet: call start() first')
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

  get #connections(): readonly RedisConnection[] {
    return [this.#commandConnection, this.#leaseConnection, this.#inboxConnection, this.#feedConnection]
  }

  /** Logs nodes that join and leave the star, except while this node is fenced. */
  #nodesObserver(): NodesObserver {
    const log = (node: string, text: string): void => {
      if (node !== this.node && !this.#wasFenced) this.#log.info({ node }, text)
    }
    return {
      joined: (node) => log(node, 'a node joined the star'),
      left: (node) => log(node, 'a node left the star')
    }
  }

  #connect(purpose: string, onReady: () => void, onClosed: () => void): RedisConnection {
    const { url, leaseTtl } = this.#options
    const options = { url, name: `${this.node}:${purpose}`, silence: leaseTtl }
    return new RedisConnection(options, onReady, onClosed, this.#log)
  }

  /** Settles {@link start} once the start has succeeded or failed. */
  #checkStart(): void {
    const failed = this.#connections.find(({ lastError }) => lastError !== undefined)
    const late = `did not answer correctly within ${this.#options.connectTimeout} ms`
    if (this.#isStarted && this.#inbox.isVerified) this.#startup?.end()
    else if (failed?.isRefused === true) this.#endStart('refused this node', failed.lastError)
    else if (this.#startup?.isOverdue === true) this.#endStart(late, failed?.lastError)
  }

  #endStart(why: string, cause: Error | undefined): void {
    this.#startup?.end(new RedisError(`Redis at ${hostOf(this.#options.url)} ${why}`, { cause }))
  }

  #connected(): void {
    this.#inbox.verifyAnew()
    this.#sync.request('all')
  }

  #disconnected(): void {
    this.#claims.close(new Error('the connection to Redis was lost'))
  }

  async #feedConnected(): Promise<void> {
    // Sent before the blocking read, which delays later commands.
    const id = this.#feedConnection.redis.client('ID')
    void this.#feed.read()
    try {
      this.#feedClient = await id
    } catch {
      // Without the client id, a blocking read cannot be interrupted, and ends by its timeout.
    }
  }

  #syncAll(why: string): void {
    this.#log.info({ why }, 'comparing all claims with Redis')
    this.#sync.request('all')
  }

  #failed(error: unknown): void {
    if (!this.#commandConnection.isReady) return // the loss of the connection was logged
    this.#commandConnection.lastError = plainError(error)
    this.#log.warn({ err: error }, 'synchronising with Redis failed; trying again')
  }

  async #register(): Promise<void> {
    this.#pauseFeed()
    this.#claims.close(new Error('this node registers again'))
    this.#lease.saw(this.#feed.position)
    await this.#lease.register(this.#claims.nextBatchNumber())
    this.#stopping.signal.throwIfAborted()
    await this.#claims.open()
  }

  async #takeSnapshot(isNew: boolean): Promise<void> {
    this.#pauseFeed()
    const { sequence, own, others } = await this.#commands.snapshot()
    this.#stopping.signal.throwIfAborted()
    const unsure = this.#recovery === undefined ? undefined : new Set(this.#nodes.ids)
    this.#notify((observer) => observer.snapshot(others, unsure))
    for (const record of others) this.#claims.claimedElsewhere(record)
    this.#claims.compare(own)
    this.#lease.saw(sequence)
    // A blocking read may have begun just before the pause.
    this.#unblockFeed()
    this.#feed.resume(sequence, isNew)
    this.#isStarted = true
    this.#checkStart()
  }

  /** Keeps the records of other nodes for a while, until all nodes have written their claims again. */
  #awaitOthers(): void {
    if (this.#stopping.signal.aborted) return
    clearTimeout(this.#recovery)
    this.#recovery = setTimeout(() => {
      this.#recovery = undefined
      this.#sync.request('snapshot')
    }, this.#options.leaseTtl * RECOVERY_PART)
  }

  #pauseFeed(): void {
    this.#feed.pause()
    this.#unblockFeed()
  }

  /** Ends a blocking read, which would wait at an outdated position. */
  #unblockFeed(): void {
    if (this.#feed.isReading && this.#feedClient !== undefined) this.#commands.unblock(this.#feedClient).catch(() => {})
  }

  #changed(change: FeedChange): void {
    if (change.type === 'gone') {
      if (change.node === this.node) this.#syncAll('this node was removed')
      else {
        this.#nodes.remove(change.node)
        this.#links?.nodeLeft(change.node)
      }
    } else if (change.type === 'joined') {
      const { record } = change
      if (record.node === this.node) this.#observer?.left(record.key, record.generation)
      else {
        this.#notify((observer) => observer.joined(record))
        this.#claims.claimedElsewhere(record)
      }
    } else if (change.node !== this.node) this.#observer?.left(change.key, change.generation)
  }

  /** Takes a snapshot if the feed was behind at the last renewal of the lease, and has not moved since. */
  #watchFeed(sequence: number): void {
    const { position } = this.#feed
    const isStuck = position === this.#lag.position && this.#lag.sequence > position
    this.#lag = { position, sequence }
    if (isStuck && !this.#feed.isPaused) this.#sync.request('snapshot')
  }

  #sweep(): void {
    this.#lease.saw(this.#feed.position)
    this.#lease.sweep()
    this.#inbox.sweep()
    this.#claims.sweep()
    this.#links?.sweep()
    this.#checkStart()
    const { isFenced } = this
    if (isFenced === this.#wasFenced) return
    this.#wasFenced = isFenced
    if (isFenced)
      this.#log.warn(
        { node: this.node },
        'the lease could not be renewed; this node serves only its own clients among themselves'
      )
    else this.#log.info({ node: this.node, nodes: this.#nodes.ids }, 'this node takes part in the star')
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#startup?.end(new Error('This backplane was stopped'))
    this.#isStarted = false
    clearInterval(this.#sweeper)
    clearTimeout(this.#recovery)
    this.#feed.stop()
    this.#claims.close(new Error('this node has stopped'))
    if (this.#lease.isHeld && this.#commandConnection.isReady) {
      await withTimeout(this.#commands.leave(), LEAVE_TIMEOUT).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'this node could not leave the star; its lease will expire')
      })
    }
    this.#links?.stop()
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  #notify(event: (observer: BackplaneObserver) => void): void {
    try {
      if (this.#observer !== undefined) event(this.#observer)
    } catch (error) {
      this.#onFault(error)
    }
  }
}

/** Returns `name-random`, with characters replaced that an id must not have. */
function nodeId(name: string): string {
  const readable = name.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 51) || 'node'
  return `${readable}-${randomBytes(6).toString('hex')}`
}

/** Returns host and port, without user and password. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an address that is not a URL'
}
