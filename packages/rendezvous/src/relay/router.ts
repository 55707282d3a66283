import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { StreamFrame } from '../codec/stream-frame.js'
import type { Counters, ResetReason } from '../stats.js'
import type { Endpoint } from './endpoint.js'
import type { FlowControl } from './flow-control.js'
import { Half } from './half.js'
import { Room } from './room.js'

export interface RouterOptions {
  /** Stream halves that one session may have open. */
  streamsPerSession: number
  /** Milliseconds that a half may wait for its receiver. */
  acceptTimeout: number
}

const NONE: ReadonlyMap<string, Half> = new Map()

/**
 * Passes the frames of stream halves between their two endpoints. Names on the wire carry no peer, so a name is unique
 * per endpoint, and only a half's sender may send chunks, only its receiver acceptance and credit, and either its end.
 */
export class Router {
  readonly #options: RouterOptions
  readonly #counters: Counters
  readonly #flow: FlowControl
  readonly #now: () => number
  /** The halves of each endpoint, by name. */
  readonly #halves = new Map<Endpoint, Map<string, Half>>()
  /** Halves that wait for their receiver, oldest first. */
  readonly #unaccepted = new Set<Half>()
  /** How many of them there are of each endpoint's dials. */
  readonly #unacceptedOf = new Map<Endpoint, number>()
  readonly #room: Room
  /** Whole seconds of the server's clock at the last sweep. */
  #seconds = 0
  #size = 0

  constructor(
    options: RouterOptions,
    flow: FlowControl,
    counters: Counters,
    now: () => number = () => performance.now()
  ) {
    this.#options = options
    this.#room = new Room(options.streamsPerSession, (endpoint) => this.halvesOf(endpoint))
    this.#flow = flow
    this.#counters = counters
    this.#now = now
    this.#seconds = Math.floor(now() / 1_000)
  }

  /** Stream halves open now. */
  get size(): number {
    return this.#size
  }

  /** Halves of an endpoint's dials that wait for their receiver. */
  unacceptedOf(endpoint: Endpoint): number {
    return this.#unacceptedOf.get(endpoint) ?? 0
  }

  /** Returns whether a dialler has room for one more connection, or will have once others give way. */
  hasRoom(dialer: Endpoint): boolean {
    return this.#room.isFree(dialer) || this.#room.toGiveWay(dialer, dialer, this.#seconds) !== undefined
  }

  /**
   * Makes room for a connection that `dialer` asks for, at one of its ends: those that others opened there give way if need be.
   *
   * @returns false if there is no room
   */
  makeRoom(end: Endpoint, dialer: Endpoint): boolean {
    while (!this.#room.isFree(end)) {
      const half = this.#room.toGiveWay(end, dialer, this.#seconds)
      if (half === undefined) return false
      this.reset(half, 'gave way', WIRE_ERRORS.gaveWay)
    }
    return true
  }

  /** Opens the first half of a connection, with room for the other one until that is known to come or not. */
  openFirst(stream: string, sender: Endpoint, receiver: Endpoint): Half {
    const half = this.open(stream, sender, receiver)
    this.#room.await(half)
    return half
  }

  /** It is known whether the other half comes. */
  awaitNoMore(half: Half): void {
    this.#room.awaitNoMore(half)
  }

  /** The halves of an endpoint, by name. */
  halvesOf(endpoint: Endpoint): ReadonlyMap<string, Half> {
    return this.#halves.get(endpoint) ?? NONE
  }

  /** Finds the half of that name at an endpoint. */
  find(endpoint: Endpoint, stream: string): Half | undefined {
    return this.#halves.get(endpoint)?.get(stream)
  }

  /** Opens a half whose name is free at both ends; from now on its receiver may accept it. */
  open(stream: string, sender: Endpoint, receiver: Endpoint, partner?: Half): Half {
    const half = new Half(stream, sender, receiver, this.#now())
    half.partner = partner
    if (partner !== undefined) partner.partner = half
    this.#add(sender, half)
    this.#add(receiver, half)
    this.#unaccepted.add(half)
    this.#unacceptedOf.set(half.dialer, this.unacceptedOf(half.dialer) + 1)
    this.#size++
    return half
  }

  /** Ends a half without a word to either end. */
  drop(half: Half): void {
    if (half.ended) return
    half.ended = true
    this.#remove(half.sender, half)
    this.#remove(half.receiver, half)
    this.#settle(half)
    this.#flow.forget(half)
    this.#size--
  }

  /** Ends both halves of a dial and tells both ends, each on the half it receives and on the one it sends. */
  reset(half: Half, reason: ResetReason, message: string): void {
    this.#counters.reset(reason)
    for (const each of [half, half.partner]) {
      if (each === undefined || each.ended) continue
      each.failure = message
      this.awaitNoMore(each)
      this.drop(each)
      each.receiver.sendError(each.stream, message)
      each.sender.sendError(each.stream, message)
    }
  }

  /** Ends every connection of an endpoint that has gone. */
  detach(endpoint: Endpoint, reason: ResetReason = 'peer left', message: string = WIRE_ERRORS.peerLeft): void {
    for (const half of this.halvesOf(endpoint).values()) this.reset(half, reason, message)
    this.#flow.leave(endpoint)
  }

  /** Ends the halves that waited too long: for their receiver to accept, or for it to take more. */
  sweep(): void {
    this.#seconds = Math.floor(this.#now() / 1_000)
    const limit = this.#now() - this.#options.acceptTimeout
    for (const half of this.#unaccepted) {
      if (half.openedAt > limit) break
      // Alone, for a dial may be used one way only.
      this.#counters.reset('not accepted')
      half.failure = WIRE_ERRORS.streamNotAccepted
      this.drop(half)
      half.sender.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
      half.receiver.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
    }
    for (const half of this.#flow.overdue()) this.reset(half, 'held too long', WIRE_ERRORS.heldTooLong)
  }

  /**
   * Decides upon a frame: it goes to the other end of its half, or nowhere.
   *
   * @returns false if it goes nowhere
   */
  route(from: Endpoint, frame: StreamFrame): boolean {
    const half = this.find(from, frame.stream)
    if (half === undefined) {
      this.#counters.drop('unknown stream')
      return false
    }
    if (frame.kind !== 'error' && (frame.kind === 'bad chunk') !== (from === half.sender)) {
      this.#dropForeign()
      return false
    }
    switch (frame.kind) {
      case 'bad chunk':
        this.reset(half, 'payload', WIRE_ERRORS.notBinary)
        return true
      case 'accept':
        return this.#accept(half, frame.window)
      case 'credit':
        this.#credit(half, frame.bytes)
        return true
      case 'error':
        // Whoever breaks a half while its dial is answered does not want the other either.
        if (frame.reason !== true) half.failure = frame.reason
        this.drop(half)
        ;(from === half.sender ? half.receiver : half.sender).sendError(half.stream, frame.reason)
        return true
    }
  }

  /**
   * The way of a chunk: from the sender's connection to the receiver's, as it came.
   *
   * @returns false if it goes nowhere
   */
  chunk(half: Half, from: Endpoint, bytes: Buffer, offset: number): boolean {
    if (from !== half.sender) {
      this.#dropForeign()
      return false
    }
    if (half.ended) {
      this.#counters.drop('unknown stream')
      return false
    }
    const size = bytes.length - offset
    if (!half.accepted) this.reset(half, 'data before accept', WIRE_ERRORS.dataBeforeAccept)
    else if (!this.#flow.admits(half, size)) this.reset(half, 'window exceeded', WIRE_ERRORS.windowExceeded)
    else {
      this.#counters.relayed.chunks++
      this.#counters.relayed.bytes += size
      half.bytes += size
      half.usedAt = this.#seconds
      half.receiver.sendChunk(half.header, bytes, offset)
      if (!this.#flow.forwarded(half, size)) this.reset(half, 'receiver too slow', WIRE_ERRORS.receiverTooSlow)
    }
    return true
  }

  #accept(half: Half, window: number | undefined): boolean {
    if (half.accepted) {
      this.#counters.drop('repeated accept')
      return false
    }
    half.accepted = true
    half.usedAt = this.#seconds
    this.#settle(half)
    half.sender.sendAccept(half.stream, this.#flow.accepted(half, window))
    return true
  }

  /** A half waits for its receiver no more. */
  #settle(half: Half): void {
    if (!this.#unaccepted.delete(half)) return
    const left = this.unacceptedOf(half.dialer) - 1
    if (left > 0) this.#unacceptedOf.set(half.dialer, left)
    else this.#unacceptedOf.delete(half.dialer)
  }

  #credit(half: Half, bytes: number): void {
    if (this.#flow.granted(half, bytes)) half.sender.sendCredit(half.stream, bytes)
  }

  #add(endpoint: Endpoint, half: Half): void {
    const halves = this.#halves.get(endpoint)
    if (halves === undefined) this.#halves.set(endpoint, new Map([[half.stream, half]]))
    else halves.set(half.stream, half)
    this.#room.added(endpoint, half)
  }

  #remove(endpoint: Endpoint, half: Half): void {
    const halves = this.#halves.get(endpoint)
    if (halves?.delete(half.stream) !== true) return
    if (halves.size === 0) this.#halves.delete(endpoint)
    this.#room.removed(endpoint, half)
  }

  #dropForeign(): void {
    this.#counters.drop('foreign stream')
  }
}
