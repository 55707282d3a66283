import type { PeersWanted } from '@websocket-star/protocol'
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

/** What all sessions of a server share. */
export interface SessionContext {
  readonly cork: Cork
  readonly flow: FlowControl
  readonly backlog: BacklogWatch
  readonly counters: Counters
  /** Called last: nothing comes after it, and everything that the client sent before has been handled. */
  readonly onEnd: (session: Session, reason: CloseReason) => void
  readonly onFault: (error: unknown) => void
}

/** One connection of a client to this server. */
export class Session implements Endpoint {
  readonly id: string
  /** Revision of engine.io: 3 is spoken by socket.io 2 clients, 4 by later ones. */
  readonly protocol: 3 | 4
  readonly remote: RemoteAddress
  /** What it costs. */
  readonly account: SessionAccount
  readonly link: Link
  /** The news of other peers that a client with the extensions asked for; undefined for a legacy client. */
  requestedPeers: PeersWanted | undefined
  readonly #context: SessionContext
  /** The answer to a probe that is under way. */
  #probing: Promise<boolean> | undefined
  readonly #acks = new AckTable()
  #drained: (() => void) | undefined

  /** @param payloads - of a client that polls */
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

  /** The connection has ended, or is being closed: messages that still come are ignored. */
  get closing(): boolean {
    return this.link.closing
  }

  get ended(): boolean {
    return this.link.ended
  }

  /** The client keeps to windows and credit, and announces its own: see `docs/flow-control.md`. */
  get extended(): boolean {
    return this.requestedPeers !== undefined
  }

  /** The news of other peers that the client gets: a legacy one gets what the protocol says. */
  get peers(): PeersWanted {
    return this.requestedPeers ?? 'windows'
  }

  /** Bytes queued for the client. */
  get buffered(): number {
    return this.link.buffered
  }

  /** See {@link Link.isDirect}. */
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

  /** See {@link Link.reassure}. */
  reassure(): void {
    this.link.reassure()
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

  /**
   * The client acknowledged an event.
   *
   * @returns false if no request waits for that (any more)
   */
  acknowledged(id: number, args: unknown[]): boolean {
    return this.#acks.settle(id, { answered: true, args })
  }

  sendText(text: string): void {
    if (this.ended) return
    this.link.sendText(text)
    this.#context.backlog.afterSend(this)
  }

  /** Sends messages that other clients are sent too. */
  sendEncoded(messages: Encoded): void {
    if (this.ended) return
    this.link.sendEncoded(messages)
    this.#context.backlog.afterSend(this)
  }

  /** See {@link Link.sendChunk}. */
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

  sendError(stream: string, reason: true | string): void {
    this.sendText(errorText(stream, reason))
  }

  /** Stops reading from the client; what it has to answer meanwhile may take as long longer. */
  pause(): void {
    this.#acks.pause()
    this.link.pause()
  }

  resume(): void {
    this.#acks.resume()
    this.link.resume()
  }

  /**
   * Resolves with whether the client shows within `timeout` milliseconds that it is online: by answering a WebSocket ping,
   * by taking what is queued for it, or by polling. A client that is paused, or whose messages wait for their turn, could not
   * be heard, and counts as online.
   */
  probe(timeout: number): Promise<boolean> {
    if (this.ended) return Promise.resolve(false)
    if (this.#isUnheard) return Promise.resolve(true)
    // One at a time, however often the peer is taken over meanwhile.
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

  /** Ends the session. A WebSocket client is told why in the close frame. */
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

  /** Reports what goes wrong in our own code, and goes on. */
  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#context.onFault(error)
    }
  }
}
