import { once } from 'node:events'
import { Redis } from 'ioredis'
import type { Logger } from '../../logger.js'
import { SCRIPT_KEYS, SCRIPTS, type ScriptName } from './scripts.js'

export type Log = Pick<Logger, 'info' | 'warn'>

/** A client with the scripts as commands, called with keys and then arguments. Strings are returned as buffers. */
export type ScriptClient = Redis &
  Readonly<Record<`${ScriptName}Buffer`, (...args: readonly string[]) => Promise<unknown>>>

/** Back-off between attempts to connect in milliseconds: at first, and at most. */
const RETRY_FIRST = 50
const RETRY_MAX = 500
const CLOSE_TIMEOUT = 250

/** Errors of a Redis server that accepts no writes at present. A new connection may reach another server. */
const WRONG_SERVER = /^(READONLY|LOADING|MASTERDOWN)\b/
/** Errors that reconnecting cannot resolve: the configuration has to be changed. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid )?DB index)\b/

export interface RedisConnectionOptions {
  readonly url: string
  /** Shown in logs and in Redis's `CLIENT LIST`. */
  readonly name: string
  /** Milliseconds without a reply before the connection is closed. */
  readonly silence: number
}

/** A connection that reconnects until it is closed. Failed commands are not repeated. */
export class RedisConnection {
  readonly redis: ScriptClient
  /** Reason why there is no connection. */
  lastError: Error | undefined
  readonly #name: string
  readonly #log: Log
  readonly #onReady: () => void
  readonly #onClosed: () => void
  #isReady = false
  #isLossLogged = false
  #isClosing = false

  constructor(options: RedisConnectionOptions, onReady: () => void, onClosed: () => void, log: Log) {
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

  get isRefused(): boolean {
    return REFUSED.test(this.lastError?.message ?? '')
  }

  reset(why: string): void {
    if (!this.isReady) return
    this.#log.warn({ connection: this.#name, why }, 'reconnecting to Redis')
    this.redis.disconnect(true)
  }

  async close(): Promise<void> {
    const { redis } = this
    this.#isClosing = true
    const isOpen = redis.status !== 'end' && redis.status !== 'reconnecting'
    // The event `end` may have been emitted already, or may never be.
    const ended = isOpen && once(redis, 'end', { signal: AbortSignal.timeout(2 * CLOSE_TIMEOUT) }).catch(() => {})
    redis.disconnect()
    await ended
  }

  #ready(): void {
    // The connection may have been closed before this event was handled.
    if (this.redis.status !== 'ready' || this.#isClosing) return
    // If SELECT was refused, commands would go to the wrong database.
    if (this.isRefused) return this.redis.disconnect(true)
    this.#isReady = true
    if (this.#isLossLogged) this.#log.info({ connection: this.#name }, 'reconnected to Redis')
    this.#isLossLogged = false
    this.lastError = undefined
    this.#onReady()
  }

  #closed(): void {
    if (!this.#isReady) return
    this.#isReady = false
    this.#logLoss()
    this.#onClosed()
  }

  #failed(error: Error): void {
    this.lastError = plainError(error)
    this.#logLoss()
  }

  #logLoss(): void {
    if (this.#isLossLogged || this.#isClosing) return
    this.#isLossLogged = true
    this.#log.warn({ connection: this.#name, why: this.lastError?.message }, 'no connection to Redis')
  }
}

/** Copies an error without the command that ioredis attaches. A command's arguments may be a password or peers' addresses. */
export function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const plain = new Error(error.message)
  plain.name = error.name
  if ('code' in error && typeof error.code === 'string') Object.assign(plain, { code: error.code })
  return plain
}

function connect({ url, name, silence }: RedisConnectionOptions): ScriptClient {
  const redis = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    keepAlive: 5_000,
    socketTimeout: silence,
    disconnectTimeout: CLOSE_TIMEOUT,
    // Commands fail at once without a connection, and when the connection is lost: only callers know whether to repeat them.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: RETRY_MAX,
    retryStrategy: (attempt) =>
      Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2),
    reconnectOnError: (error) => WRONG_SERVER.test(error.message)
  })
  for (const [script, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(script, { lua, numberOfKeys: SCRIPT_KEYS.length })
  }
  // defineCommand has added the commands of ScriptClient.
  return redis as ScriptClient
}
