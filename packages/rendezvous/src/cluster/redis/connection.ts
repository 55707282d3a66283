import { once } from 'node:events'
import { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { SCRIPT_KEYS, SCRIPTS, type ScriptName } from './scripts.js'

export type Log = Pick<Logger, 'info' | 'warn'>

/** The scripts as commands: keys in their order, then arguments. Texts come as bytes. */
export type ScriptClient = Redis &
  Readonly<Record<`${ScriptName}Buffer`, (...args: readonly string[]) => Promise<unknown>>>

/** Milliseconds between attempts to connect, at first and at most. */
const RETRY_FIRST = 50
const RETRY_MAX = 500
/** Milliseconds that a connection may take to close. */
const CLOSE_TIMEOUT = 250

/** What an engine says that is not, or not yet, the one to write to: the next connection may reach another. */
const WRONG_ENGINE = /^(READONLY|LOADING|MASTERDOWN)\b/
/** What no waiting cures. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid )?DB index)\b/

export interface ConnectionOptions {
  readonly url: string
  /** What it is for: seen in logs and in Redis's list of clients. */
  readonly name: string
  /** Milliseconds without an answer after which a connection is given up. */
  readonly silence: number
}

/** A connection that comes back for as long as it is not closed. Nothing is sent twice: what fails has failed. */
export class Connection {
  readonly redis: ScriptClient
  /** Why there is no connection. */
  lastError: Error | undefined
  readonly #name: string
  readonly #log: Log
  readonly #onReady: () => void
  readonly #onClosed: () => void
  #isReady = false
  #isLossTold = false
  #isClosing = false

  constructor(options: ConnectionOptions, onReady: () => void, onClosed: () => void, log: Log) {
    this.#name = options.name
    this.#onReady = onReady
    this.#onClosed = onClosed
    this.#log = log
    this.redis = connect(options)
    this.redis.on('error', (error: Error) => this.#failed(error))
    this.redis.on('ready', () => this.#ready())
    this.redis.on('close', () => this.#closed())
  }

  get isReady(): boolean {
    return this.#isReady && this.redis.status === 'ready'
  }

  /** Whether Redis refuses this user, or his password. */
  get isRefused(): boolean {
    return REFUSED.test(this.lastError?.message ?? '')
  }

  /** Makes another connection in place of one that does not do what it should. */
  reset(why: string): void {
    if (!this.isReady) return
    this.#log.warn({ connection: this.#name, why }, 'a connection to Redis is made anew')
    this.redis.disconnect(true)
  }

  async close(): Promise<void> {
    const { redis } = this
    this.#isClosing = true
    const isOpen = redis.status !== 'end' && redis.status !== 'reconnecting'
    // it may have ended already, or never be told of
    const ended = isOpen && once(redis, 'end', { signal: AbortSignal.timeout(2 * CLOSE_TIMEOUT) }).catch(() => {})
    redis.disconnect()
    await ended
  }

  #ready(): void {
    // told of a moment later: it may have been closed since
    if (this.redis.status !== 'ready' || this.#isClosing) return
    // Without the database that was asked for it would use another one.
    if (this.isRefused) return this.redis.disconnect(true)
    this.#isReady = true
    if (this.#isLossTold) this.#log.info({ connection: this.#name }, 'connected to Redis again')
    this.#isLossTold = false
    this.lastError = undefined
    this.#onReady()
  }

  #closed(): void {
    if (!this.#isReady) return
    this.#isReady = false
    this.#tellLoss()
    this.#onClosed()
  }

  #failed(error: Error): void {
    this.lastError = plainError(error)
    this.#tellLoss()
  }

  /** Once, until it is back. */
  #tellLoss(): void {
    if (this.#isLossTold || this.#isClosing) return
    this.#isLossTold = true
    this.#log.warn({ connection: this.#name, why: this.lastError?.message }, 'no connection to Redis')
  }
}

/**
 * An error without what ioredis hangs on it: the command with its arguments, which may be a password or addresses of peers.
 */
export function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const plain = new Error(error.message)
  plain.name = error.name
  if ('code' in error && typeof error.code === 'string') Object.assign(plain, { code: error.code })
  return plain
}

function connect({ url, name, silence }: ConnectionOptions): ScriptClient {
  const redis = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    keepAlive: 5_000,
    socketTimeout: silence,
    disconnectTimeout: CLOSE_TIMEOUT,
    // Whoever sends something learns at once that it cannot be sent, and what was under way when a connection was lost
    // fails: only its sender knows whether it still makes sense.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: RETRY_MAX,
    retryStrategy: (attempt) =>
      Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2),
    reconnectOnError: (error) => WRONG_ENGINE.test(error.message)
  })
  for (const [script, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(script, { lua, numberOfKeys: SCRIPT_KEYS.length })
  }
  // It has them now.
  return redis as ScriptClient
}
