import { performance } from 'node:perf_hooks'
import { TEXT, WebSocketWire, type Closed } from '@websocket-star/testkit'
import { prefixOf, urlOf } from '../../wire/load-peer.js'
import type { Identity } from './identity.js'

/** Why a peer did not get in. */
export type Failure = 'timed out' | 'refused' | 'lost'

export class JoinError extends Error {
  override readonly name = 'JoinError'
  readonly failure: Failure

  constructor(failure: Failure, message: string) {
    super(message)
    this.failure = failure
  }
}

/** What all peers of a crowd have in common. */
export interface CrowdContext {
  readonly port: number
  /** Whether the server wants a key and a signature. */
  readonly challenge: boolean
  /** Milliseconds that a peer waits for each step of joining: to be connected, and each answer. */
  readonly stepTimeout: number
  announcements: number
  bytes: number
  /** Peers that the server let go after they had joined. */
  lost: number
  /** Given the text of each announcement: `bytes` from `start` to `end`, during the call only. */
  onAnnouncement: ((peer: CrowdPeer, bytes: Buffer, start: number, end: number) => void) | undefined
}

const PING_INTERVAL = 25_000

/** Read into by all sockets, one after the other. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024)
/** Of an answer, enough to hold an error or a nonce. */
const ANSWER_HEAD = 2048

const [DIGIT_0, DIGIT_2, DIGIT_3, DIGIT_4, LETTER_W] = [0x30, 0x32, 0x33, 0x34, 0x77]
/** `42["w`: what follows these is an announcement. */
const NAME_AT = 4

interface Attempt {
  resolve: () => void
  reject: (error: JoinError) => void
  deadline: number
}

/** A peer of a crowd on the legacy wire. It has no timers: its crowd calls {@link CrowdPeer.look} every so often. */
export class CrowdPeer {
  readonly identity: Identity
  readonly address: string
  /** When it last sent a request to join. */
  askedAt = Number.NaN
  readonly #context: CrowdContext
  #wire: WebSocketWire | undefined
  #attempt: Attempt | undefined
  #joined = false
  #requests = 0
  #pingAt = Number.POSITIVE_INFINITY

  constructor(identity: Identity, context: CrowdContext) {
    this.identity = identity
    this.#context = context
    this.address = `${prefixOf(context.port)}/ipfs/${identity.id}`
  }

  get joined(): boolean {
    return this.#joined
  }

  /**
   * Connects, and joins.
   *
   * @throws {JoinError}
   */
  join(): Promise<void> {
    this.drop()
    this.#requests = 0
    return new Promise((resolve, reject) => {
      this.#attempt = { resolve, reject, deadline: performance.now() + this.#context.stepTimeout }
      this.#wire = this.#connect()
    })
  }

  /** Is gone, without a goodbye. */
  drop(): void {
    this.#wire?.close()
    this.#wire = undefined
    this.#joined = false
    this.#pingAt = Number.POSITIVE_INFINITY
  }

  /** Does what is due. */
  look(now: number): void {
    if (this.#attempt !== undefined && now > this.#attempt.deadline) {
      return this.#fail('timed out', `nothing came for ${this.#context.stepTimeout} ms`)
    }
    if (now < this.#pingAt) return
    this.#pingAt += PING_INTERVAL
    this.#wire?.send('2')
  }

  #connect(): WebSocketWire {
    const context = this.#context
    const onLost = ({ code, reason }: Closed) => {
      if (this.#joined) context.lost++
      this.#fail(code < 1000 ? 'refused' : 'lost', reason || 'the connection was closed')
    }
    const wire = new WebSocketWire(urlOf(context.port), { readBuffer: READ_BUFFER, onLost }, () => {})
    wire.filter((opcode, bytes, start, end) => {
      if (opcode === TEXT) this.#take(bytes, start, end)
      return opcode === TEXT
    })
    wire.onRead((bytes) => (context.bytes += bytes))
    return wire
  }

  #fail(failure: Failure, why: string): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    this.drop()
    attempt?.reject(new JoinError(failure, `a join ${failure}, ${why}`))
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (bytes[start] !== DIGIT_4) return
    switch (bytes[start + 1]) {
      case DIGIT_2:
        if (bytes[start + NAME_AT] !== LETTER_W) return
        this.#context.announcements++
        return this.#context.onAnnouncement?.(this, bytes, start, end)
      case DIGIT_3:
        return this.#answered(bytes.toString('latin1', start, Math.min(end, start + ANSWER_HEAD)))
      case DIGIT_0:
        // Spread over the interval, as those of clients are that came at different times.
        this.#pingAt = performance.now() + Math.random() * PING_INTERVAL
        this.#ask(this.#context.challenge ? this.identity.publicKeyHex : '')
    }
  }

  #ask(proof: string): void {
    this.askedAt = performance.now()
    if (this.#attempt !== undefined) this.#attempt.deadline = this.askedAt + this.#context.stepTimeout
    this.#wire?.send(`42${this.#requests++}${JSON.stringify(['ss-join', this.address, proof])}`)
  }

  /** Only the first two arguments matter: an error, and a nonce. The list that may follow is long. */
  #answered(text: string): void {
    if (this.#attempt === undefined) return
    const found = /^43\d+\[(null|"[^"]*")(?:,(null|"[^"]*"))?/.exec(text)
    if (found === null || found[1] !== 'null') return this.#fail('refused', text.slice(0, 200))
    const nonce = found[2]
    if (nonce !== undefined && nonce !== 'null') return this.#ask(this.identity.sign(JSON.parse(nonce) as string)) // quoted
    const { resolve } = this.#attempt
    this.#attempt = undefined
    this.#joined = true
    resolve()
  }
}
