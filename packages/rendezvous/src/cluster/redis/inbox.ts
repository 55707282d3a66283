import { randomBytes } from 'node:crypto'
import { type Connection, plainError } from './connection.js'

/** Milliseconds that a message to oneself may take after it was published. */
const PATIENCE = 2_000
/** Milliseconds between attempts to subscribe. */
const RETRY = 1_000
/** Envelopes begin with another byte. */
const TOKEN_PREFIX = 'self-'

/**
 * The channel that others publish this node's envelopes to. Whether they arrive is found out by messages to oneself: an
 * answer to SUBSCRIBE alone does not say that publishers reach the same Redis.
 */
export class Inbox {
  readonly #connection: Connection
  readonly #channel: string
  readonly #publish: (message: Buffer) => Promise<number>
  readonly #interval: number
  readonly #onVerified: () => void
  readonly #now: () => number
  #isSubscribed = false
  #triedAt = Number.NEGATIVE_INFINITY
  #token: Buffer | undefined
  /** When the token was published, and Redis said so. */
  #publishedAt: number | undefined
  /** When the last token arrived; undefined: nothing arrives, as far as is known. */
  #verifiedAt: number | undefined

  /**
   * @param publish - sends to the channel, by another connection
   * @param interval - milliseconds after which it is found out again
   * @param onVerified - messages arrive, after they did not
   */
  constructor(
    connection: Connection,
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
      // one that was given up may come late
      else if (!isToken(message)) {
        // It comes after what was published before it, however long that takes.
        if (this.#publishedAt !== undefined) this.#publishedAt = this.#now()
        onEnvelope(message)
      }
    })
  }

  get isVerified(): boolean {
    return this.#verifiedAt !== undefined
  }

  /** To be called when there is a connection. */
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

  /** To be called when there is no connection any more. */
  closed(): void {
    this.#isSubscribed = false
    this.#doubt()
  }

  /** To be called when there is another connection to publish by. */
  verifyAnew(): void {
    this.#doubt()
    this.#verify()
  }

  /** To be called now and then. */
  sweep(): void {
    const now = this.#now()
    if (!this.#isSubscribed) {
      if (this.#connection.isReady && now - this.#triedAt > RETRY) void this.subscribe()
    } else if (this.#token === undefined) {
      if (this.#verifiedAt === undefined || now - this.#verifiedAt >= this.#interval) this.#verify()
    } else if (this.#publishedAt !== undefined && now - this.#publishedAt > PATIENCE) {
      this.closed()
      this.#connection.reset('what is published to this node does not arrive')
    }
  }

  #doubt(): void {
    this.#verifiedAt = undefined
    this.#token = undefined
  }

  /** Sends a message to oneself, unless one is under way. */
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
        // there is no way to publish: sweep tries again
        if (this.#token === token) this.#doubt()
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
