import { randomBytes } from 'node:crypto'
import { type RedisConnection, plainError } from './redis-connection.js'

/** Milliseconds that a published test message may take to arrive. */
const TIMEOUT = 2_000
/** Milliseconds between attempts to subscribe. */
const RETRY = 1_000
/** Test messages begin with this; envelopes begin with another byte. */
const TOKEN_PREFIX = 'self-'

/**
 * Subscription to the channel to which other nodes publish envelopes for this node. This node also publishes test messages to the
 * channel, to verify that messages arrive: the reply to SUBSCRIBE does not prove that publishers reach the same Redis.
 */
export class InboxSubscription {
  readonly #connection: RedisConnection
  readonly #channel: string
  readonly #publish: (message: Buffer) => Promise<number>
  readonly #interval: number
  readonly #onVerified: () => void
  readonly #now: () => number
  #isSubscribed = false
  #triedAt = Number.NEGATIVE_INFINITY
  #token: Buffer | undefined
  /** Time at which Redis confirmed that the token was published. */
  #publishedAt: number | undefined
  /** Time at which the last token arrived; undefined while messages may not arrive. */
  #verifiedAt: number | undefined

  /**
   * @param publish - publishes to the channel over another connection
   * @param interval - milliseconds between two verifications
   * @param onVerified - called when messages arrive again, or for the first time
   */
  constructor(
    connection: RedisConnection,
    channel: string,
    publish: (message: Buffer) => Promise<number>,
    interval: number,
    onEnvelope: (envelope: Buffer) => void,
    onVerified: () => void,
    now: () => number
  ) {
    this.#connection = connection
    this.#channel = channel
    this.#publish = publish
    this.#interval = interval
    this.#onVerified = onVerified
    this.#now = now
    connection.redis.on('messageBuffer', (_channel: Buffer, message: Buffer) => {
      if (this.#token?.equals(message) === true) this.#verified()
      // An abandoned token may arrive late.
      else if (!isToken(message)) {
        // The token is queued behind this envelope, so the token's timeout starts again.
        if (this.#publishedAt !== undefined) this.#publishedAt = this.#now()
        onEnvelope(message)
      }
    })
  }

  get isVerified(): boolean {
    return this.#verifiedAt !== undefined
  }

  /** Call it when the connection is ready. */
  async subscribe(): Promise<void> {
    this.#triedAt = this.#now()
    try {
      await this.#connection.redis.subscribe(this.#channel)
      this.#isSubscribed = true
      this.#verify()
    } catch (error) {
      this.#connection.lastError = plainError(error)
    }
  }

  closed(): void {
    this.#isSubscribed = false
    this.#invalidate()
  }

  /** Call it when the connection for publishing is new. */
  verifyAnew(): void {
    this.#invalidate()
    this.#verify()
  }

  sweep(): void {
    const now = this.#now()
    if (!this.#isSubscribed) {
      if (this.#connection.isReady && now - this.#triedAt > RETRY) void this.subscribe()
    } else if (this.#token === undefined) {
      if (this.#verifiedAt === undefined || now - this.#verifiedAt >= this.#interval) this.#verify()
    } else if (this.#publishedAt !== undefined && now - this.#publishedAt > TIMEOUT) {
      this.closed()
      this.#connection.reset('messages published to this node do not arrive')
    }
  }

  #invalidate(): void {
    this.#verifiedAt = undefined
    this.#token = undefined
  }

  /** Publishes a test message, unless one is in flight. */
  #verify(): void {
    if (!this.#isSubscribed || this.#token !== undefined) return
    const token = Buffer.from(TOKEN_PREFIX + randomBytes(12).toString('hex'))
    this.#token = token
    this.#publishedAt = undefined
    this.#publish(token).then(
      () => {
        if (this.#token === token) this.#publishedAt = this.#now()
      },
      () => {
        // The next sweep tries again.
        if (this.#token === token) this.#invalidate()
      }
    )
  }

  #verified(): void {
    const wasVerified = this.isVerified
    this.#token = undefined
    this.#verifiedAt = this.#now()
    if (!wasVerified) this.#onVerified()
  }
}

function isToken(message: Buffer): boolean {
  return message.toString('latin1', 0, TOKEN_PREFIX.length) === TOKEN_PREFIX
}
