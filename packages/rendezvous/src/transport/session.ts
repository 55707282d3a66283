import type { PeersWanted } from '@websocket-star/protocol'
import type { Socket } from 'engine.io'
import type { CloseReason, Counters } from '../stats.js'
import { AckTable, type RequestOutcome } from './acks.js'
import type { Cork } from './cork.js'
import type { Encoded } from '../codec/encoded.js'
import { Link, type ChunkHeader, type LinkOwner } from './link.js'
import { eventText, type Limits } from '../codec/packet.js'
import { Receiver, type StreamRoute } from './receiver.js'
import { acceptText, creditText, errorText, type StreamFrame } from '../codec/stream-frame.js'

/** Answers a client's request. Only the first call is sent. */
export type Ack = (...args: unknown[]) => void

/** What a session tells of. One listener serves every session of a server; nothing it throws reaches the socket. */
export interface SessionListener {
  event(session: Session, name: string, args: unknown[], ack: Ack | undefined): void
  /** Anything of a stream but its chunks: these go to their {@link StreamRoute}. */
  stream(session: Session, frame: StreamFrame): void
  /** Something was sent to the client. */
  sent(session: Session): void
  /** The client has asked for something, and been answered: it is to read the answers. */
  asked(session: Session): void
  /** What waits to be sent has become little enough: see {@link Link.onDrain}. */
  drained(session: Session): void
  /** The last word of a session: nothing comes after it, and everything sent before it by the client has been told. */
  end(session: Session, reason: CloseReason): void
  /** Something of ours threw. */
  fault(session: Session, error: unknown): void
}

/** Where a client connects from. */
export interface RemoteAddress {
  ip: string
  /** Limits per address leave it out: it is loopback, or a proxy that is trusted. */
  exempt: boolean
}

const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/**
 * One client's connection, as the star and the relay see it: what they send it goes out through its link, what it sends
 * comes in through its receiver.
 */
export class Session implements LinkOwner {
  readonly id: string
  /** Revision of engine.io: 3 is spoken by socket.io 2 clients, 4 by later ones. */
  readonly protocol: 3 | 4
  readonly remote: RemoteAddress
  readonly #link: Link
  readonly #listener: SessionListener
  readonly #counters: Counters
  readonly #acks = new AckTable()
  #routes: Map<string, StreamRoute> | undefined
  readonly #receiver: Receiver
  #ended = false
  #closeReason: CloseReason | undefined

  /** @param limits - told to clients that know the extensions */
  constructor(
    socket: Socket,
    cork: Cork,
    remote: RemoteAddress,
    listener: SessionListener,
    counters: Counters,
    limits: Limits
  ) {
    // engine.io types its id as private; it is the public `sid` of the handshake.
    this.id = (socket as unknown as { id: string }).id
    this.protocol = socket.protocol === 3 ? 3 : 4
    this.remote = remote
    this.#listener = listener
    this.#counters = counters
    this.#receiver = new Receiver(this, this.#acks, listener, counters, limits)
    this.#link = new Link(socket, cork, this.#receiver, this)
  }

  /** The streams this session is an end of, by name. Owned by the relay. */
  get routes(): Map<string, StreamRoute> {
    this.#routes ??= new Map()
    return this.#routes
  }

  /** How many there are. */
  get streams(): number {
    return this.#routes?.size ?? 0
  }

  /** Called once by the owner, after the session is registered: an older client is connected from the start. */
  start(): void {
    if (this.protocol === 3) this.#receiver.connect()
  }

  /** It is being closed, or is: what still comes from the client is not looked at. */
  get closing(): boolean {
    return this.#ended || this.#closeReason !== undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** The client keeps to windows and credit, and announces its own: see `docs/flow-control.md`. */
  get extended(): boolean {
    return this.#receiver.extended
  }

  /** What the client wants to hear of others; a legacy one hears what the protocol says. */
  get peers(): PeersWanted {
    return this.#receiver.peers
  }

  /** Bytes that wait to be taken by the operating system. */
  get buffered(): number {
    return this.#link.buffered
  }

  /** What it sends cannot be made to wait: see {@link Link.polling}. */
  get polling(): boolean {
    return this.#link.polling
  }

  /** See {@link Link.onDrain}. */
  onDrain(mark: number): void {
    this.#link.onDrain(mark)
  }

  /** See {@link Link.reassure}. */
  reassure(): void {
    this.#link.reassure()
  }

  /** The connection, for those who watch over its backlog. */
  get link(): Link {
    return this.#link
  }

  /**
   * Sends an event that the client is to acknowledge.
   *
   * @param timeout - milliseconds to wait; the clock stands still while the session is paused
   */
  request(name: string, args: readonly unknown[], timeout: number, settle: (outcome: RequestOutcome) => void): void {
    const id = this.#acks.add(timeout, (outcome) => this.#try(() => settle(outcome)))
    this.sendText(eventText(name, args, id))
  }

  sendText(text: string): void {
    if (this.#ended) return
    this.#link.sendText(text)
    this.#listener.sent(this)
  }

  /** Sends messages that others are sent too. */
  sendEncoded(messages: Encoded): void {
    if (this.#ended) return
    this.#link.sendEncoded(messages)
    this.#listener.sent(this)
  }

  /** See {@link Link.sendChunk}. */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    if (this.#ended) return
    this.#link.sendChunk(header, bytes, offset)
    this.#listener.sent(this)
  }

  sendAccept(stream: string, window: number | undefined): void {
    this.sendText(acceptText(stream, window))
  }

  sendCredit(stream: string, bytes: number): void {
    this.sendText(creditText(stream, bytes))
  }

  sendError(stream: string, reason: true | string): void {
    this.sendText(errorText(stream, reason))
  }

  /** Stops reading from the client; what it has to answer meanwhile may take as long longer. */
  pause(): void {
    this.#acks.pause()
    this.#link.pause()
  }

  resume(): void {
    this.#acks.resume()
    this.#link.resume()
  }

  /**
   * Whether the client shows within `timeout` milliseconds that it is there: by answering a WebSocket ping, by taking
   * what waits for it, or by polling. One that we do not read from could not be heard, and counts as there.
   */
  probe(timeout: number): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    if (this.#link.paused) return Promise.resolve(true)
    const progress = this.#link.progress
    return new Promise((resolve) => {
      const settle = (alive: boolean) => {
        clearTimeout(timer)
        queueMicrotask(() => stopListening())
        resolve(alive)
      }
      const timer = setTimeout(() => settle(!this.#ended && this.#link.progress !== progress), timeout).unref()
      const stopListening = this.#link.polling
        ? this.#link.onPoll(() => settle(true))
        : this.#link.onPong(() => settle(true))
      this.#link.ping()
    })
  }

  /** Ends the session. A WebSocket client is told why in the close frame. */
  close(reason: CloseReason, detail: string = reason): void {
    if (this.closing) return
    this.#closeReason = reason
    const code = reason === 'server stop' ? GOING_AWAY : POLICY_VIOLATION
    this.#link.close(reason === 'client disconnect' ? undefined : code, detail)
  }

  /** Ends the session and frees what waits to be sent to it. */
  terminate(reason: CloseReason): void {
    if (this.#ended) return
    this.#closeReason = reason
    this.#link.terminate()
  }

  /** From its link: see {@link LinkOwner}. */
  asked(): void {
    this.#listener.asked(this)
  }

  /** From its link. */
  drained(): void {
    this.#listener.drained(this)
  }

  /** From its link. */
  lost(why: string): void {
    if (this.#ended) return
    const reason = this.#closeReason ?? closeReasonOf(why)
    this.#ended = true
    this.#receiver.reset()
    this.#counters.close(reason)
    this.#acks.close()
    this.#try(() => this.#listener.end(this, reason))
  }

  /** What goes wrong in one of our own is told, and stops nothing else. */
  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#listener.fault(this, error)
    }
  }
}

function closeReasonOf(reason: string): CloseReason {
  switch (reason) {
    case 'ping timeout':
      return 'heartbeat timeout'
    case 'transport error':
      return 'transport error'
    case 'parse error':
      return 'malformed packet'
    case 'forced close':
      return 'client disconnect'
    default:
      return 'transport closed'
  }
}
