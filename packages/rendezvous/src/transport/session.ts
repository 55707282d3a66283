import { WIRE_ERRORS, type PeersWanted } from '@websocket-star/protocol'
import type { Socket } from 'engine.io'
import type { SessionAccount } from '../budget/session-account.js'
import type { Encoded } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { acceptText, creditText, errorText, type ChunkHeader } from '../codec/stream-frame.js'
import type { RemoteAddress } from '../pacing/remote-address.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { CloseReason, Counters } from '../stats.js'
import { AckTable, type RequestOutcome } from './acks.js'
import type { BacklogWatch } from './backlog.js'
import type { Cork } from './cork.js'
import { idOf } from './engine-internals.js'
import { Link } from './link.js'
import type { PayloadInput } from './payload-input.js'

export interface SessionContext {
  readonly cork: Cork
  readonly flow: FlowControl
  readonly backlog: BacklogWatch
  readonly counters: Counters
  /** Called last, when everything that the client sent has been handled. */
  readonly onEnd: (session: Session, reason: CloseReason) => void
  readonly onFault: (error: unknown) => void
}

/** Reasons of ends that were caused by the other peer, a node or the operator, not by a rule of this server. */
const DEPARTURES: ReadonlySet<true | string> = new Set([
  WIRE_ERRORS.peerLeft,
  WIRE_ERRORS.nodeLost,
  WIRE_ERRORS.serverStopping
])

/** One session of a client. */
export class Session implements Endpoint {
  readonly id: string
  /** Revision of engine.io: 3 for socket.io 2 clients, 4 for later ones. */
  readonly protocol: 3 | 4
  readonly remote: RemoteAddress
  readonly account: SessionAccount
  readonly link: Link
  /** Peer announcements that an extended client requested; undefined for legacy clients. */
  requestedPeers: PeersWanted | undefined
  readonly #context: SessionContext
  /** Result of the running probe. */
  #probing: Promise<boolean> | undefined
  readonly #acks = new AckTable()
  #drained: (() => void) | undefined

  constructor(
    socket: Socket,
    remote: RemoteAddress,
    account: SessionAccount,
    payloads: PayloadInput | undefined,
    context: SessionContext
  ) {
    this.account = account
    this.id = idOf(socket)
    this.protocol = socket.protocol === 3 ? 3 : 4
    this.remote = remote
    this.#context = context
    this.link = new Link(socket, context.cork, payloads, (reason) => this.#ended(reason))
  }

  /** Whether the connection has ended or is closing; further messages are ignored. */
  get closing(): boolean {
    return this.link.closing
  }

  get ended(): boolean {
    return this.link.ended
  }

  /** Whether the client uses windows and credit (docs/flow-control.md). */
  get extended(): boolean {
    return this.requestedPeers !== undefined
  }

  get peers(): PeersWanted {
    return this.requestedPeers ?? 'windows'
  }

  get buffered(): number {
    return this.link.buffered
  }

  get isPausable(): boolean {
    return this.link.isDirect
  }

  get network(): string | Session {
    return this.account.address.network ?? this
  }

  get identity(): Session {
    return this
  }

  allowance(usual: number): number {
    return this.account.allowance(usual)
  }

  onDrain(mark: number): void {
    this.#drained ??= () => {
      this.account.setQueued(this.buffered)
      this.#context.flow.drained(this)
    }
    this.link.onDrain(mark, this.#drained)
  }

  reassure(): void {
    this.link.reassure()
  }

  /** Sends an event that the client must acknowledge. The timeout, in milliseconds, stops while the session is paused. */
  request(name: string, args: readonly unknown[], timeout: number, settle: (outcome: RequestOutcome) => void): void {
    const id = this.#acks.add(timeout, (outcome) => this.#try(() => settle(outcome)))
    this.sendText(eventText(name, args, id))
  }

  /** Settles the request that a client acknowledged. @returns false if no such request is pending */
  acknowledged(id: number, args: unknown[]): boolean {
    return this.#acks.settle(id, { answered: true, args })
  }

  sendText(text: string): void {
    if (this.ended) return
    this.link.sendText(text)
    this.#context.backlog.afterSend(this)
  }

  sendEncoded(messages: Encoded): void {
    if (this.ended) return
    this.link.sendEncoded(messages)
    this.#context.backlog.afterSend(this)
  }

  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    if (this.ended) return
    this.link.sendChunk(header, bytes, offset)
    this.#context.backlog.afterSend(this)
  }

  sendAccept(stream: string, window: number | undefined): void {
    this.sendText(acceptText(stream, window))
  }

  sendCredit(stream: string, bytes: number): void {
    this.sendText(creditText(stream, bytes))
  }

  /**
   * Ends a half. Legacy clients are told of {@link DEPARTURES} as normal ends, as the old server did: an error that is not handled
   * would end the process of their application.
   */
  sendError(stream: string, reason: true | string): void {
    this.sendText(errorText(stream, !this.extended && DEPARTURES.has(reason) ? true : reason))
  }

  /** Stops reading from the client, and the timers of its unanswered requests. */
  pause(): void {
    this.#acks.pause()
    this.link.pause()
  }

  resume(): void {
    this.#acks.resume()
    this.link.resume()
  }

  /**
   * Tests whether the client is online: it must answer a ping, read some of its backlog or poll within `timeout` milliseconds.
   * Resolves with true at once if the session is paused or has unprocessed input, since answers would not be noticed.
   */
  probe(timeout: number): Promise<boolean> {
    if (this.ended) return Promise.resolve(false)
    if (this.#isUnheard) return Promise.resolve(true)
    // Concurrent takeovers share one probe.
    this.#probing ??= this.#probe(timeout).finally(() => (this.#probing = undefined))
    return this.#probing
  }

  #probe(timeout: number): Promise<boolean> {
    const progress = this.link.progress
    return new Promise((resolve) => {
      const settle = (alive: boolean) => {
        clearTimeout(timer)
        queueMicrotask(() => stopListening())
        resolve(alive)
      }
      const timer = setTimeout(
        () => settle(!this.ended && (this.#isUnheard || this.link.progress !== progress)),
        timeout
      ).unref()
      const stopListening = this.link.polling
        ? this.link.onPoll(() => settle(true))
        : this.link.onPong(() => settle(true))
      this.link.ping()
    })
  }

  close(reason: CloseReason, detail?: string): void {
    this.link.close(reason, detail)
  }

  get #isUnheard(): boolean {
    return this.link.paused || this.link.hasUnprocessedInput
  }

  #ended(reason: CloseReason): void {
    const { counters, backlog, onEnd } = this.#context
    counters.close(reason)
    this.#acks.close()
    backlog.forget(this)
    this.#try(() => onEnd(this, reason))
  }

  /** Runs an action, and reports an error that it throws. */
  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#context.onFault(error)
    }
  }
}
