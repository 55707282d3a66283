import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { CLOSE, FrameReader, maskedFrame, PING, PONG, TEXT, textFrame } from '@websocket-star/testkit'
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
const PING_FRAME = textFrame('2')

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
  #tcp: Socket | undefined
  #attempt: Attempt | undefined
  #joined = false
  #requests = 0
  #pingAt = Number.POSITIVE_INFINITY

  constructor(identity: Identity, context: CrowdContext) {
    this.identity = identity
    this.#context = context
    this.address = `/ip4/127.0.0.1/tcp/${context.port}/ws/p2p-websocket-star/ipfs/${identity.peerId}`
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
      this.#tcp = this.#connect()
    })
  }

  /** Is gone, without a goodbye. */
  drop(): void {
    const tcp = this.#tcp
    this.#tcp = undefined
    this.#joined = false
    this.#pingAt = Number.POSITIVE_INFINITY
    tcp?.destroy()
  }

  /** Does what is due. */
  look(now: number): void {
    if (this.#attempt !== undefined && now > this.#attempt.deadline) {
      return this.#fail('timed out', `nothing came for ${this.#context.stepTimeout} ms`)
    }
    if (now < this.#pingAt) return
    this.#pingAt += PING_INTERVAL
    this.#tcp?.write(PING_FRAME)
  }

  #connect(): Socket {
    const { port } = this.#context
    let head = ''
    let upgraded = false
    const reader = new FrameReader((opcode, bytes, start, end) => this.#take(opcode, bytes, start, end))
    const tcp = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          if (tcp !== this.#tcp) return false
          this.#context.bytes += length
          if (upgraded) {
            reader.push(READ_BUFFER.subarray(0, length))
            return true
          }
          head += READ_BUFFER.toString('latin1', 0, length)
          const end = head.indexOf('\r\n\r\n')
          if (end === -1) return true
          if (!head.startsWith('HTTP/1.1 101')) {
            this.#fail('refused', head.slice(0, 200))
            return false
          }
          upgraded = true
          reader.push(Buffer.from(head.slice(end + 4), 'latin1'))
          return true
        }
      }
    })
    tcp.once('error', (error) => this.#over(tcp, error.message))
    tcp.once('close', () => this.#over(tcp, 'the connection was closed'))
    tcp.write(
      `GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
    )
    return tcp
  }

  #over(tcp: Socket, why: string): void {
    if (tcp !== this.#tcp) return
    if (this.#joined) this.#context.lost++
    this.#fail('lost', why)
  }

  #fail(failure: Failure, why: string): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    this.drop()
    attempt?.reject(new JoinError(failure, `a join ${failure}, ${why}`))
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode !== TEXT) {
      if (opcode === PING) this.#tcp?.write(maskedFrame(PONG, bytes.subarray(start, end)))
      else if (opcode === CLOSE && this.#tcp !== undefined) this.#over(this.#tcp, 'the server closed the WebSocket')
      return
    }
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
        this.#ask(this.#context.challenge ? this.identity.publicKey : '')
    }
  }

  #ask(proof: string): void {
    this.askedAt = performance.now()
    if (this.#attempt !== undefined) this.#attempt.deadline = this.askedAt + this.#context.stepTimeout
    this.#tcp?.write(textFrame(`42${this.#requests++}${JSON.stringify(['ss-join', this.address, proof])}`))
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
