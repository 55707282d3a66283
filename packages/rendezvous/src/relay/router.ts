import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { StreamFrame } from '../codec/stream-frame.js'
import type { Counters, ResetReason } from '../stats.js'
import type { Endpoint } from './endpoint.js'
import type { FlowControl } from './flow-control.js'
import { Half } from './half.js'
import { StreamLimit } from './stream-limit.js'

export interface RouterOptions {
  streamsPerSession: number
  /** Milliseconds within which the receiver of a half must accept it. */
  acceptTimeout: number
}

const NO_HALVES: ReadonlyMap<string, Half> = new Map()

/**
 * Relays the frames of halves between their endpoints. Stream names on the wire contain no peer, so a name is unique only at one
 * endpoint. Only a half's sender may send chunks, only its receiver may accept and grant credit, and both may end the half.
 */
export class Router {
  readonly #options: RouterOptions
  readonly #counters: Counters
  readonly #flow: FlowControl
  readonly #now: () => number
  readonly #halves = new Map<Endpoint, Map<string, Half>>()
  /** Halves not accepted yet, oldest first. */
  readonly #unaccepted = new Set<Half>()
  readonly #unacceptedOf = new Map<Endpoint, number>()
  readonly #streamLimit: StreamLimit
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
    this.#streamLimit = new StreamLimit(options.streamsPerSession, (endpoint) => this.halvesOf(endpoint))
    this.#flow = flow
    this.#counters = counters
    this.#now = now
    this.#seconds = Math.floor(now() / 1_000)
  }

  /** Number of open halves. */
  get size(): number {
    return this.#size
  }

  /** Returns the number of unaccepted halves in connections that an endpoint dialled. */
  unacceptedOf(endpoint: Endpoint): number {
    return this.#unacceptedOf.get(endpoint) ?? 0
  }

  /** Returns whether a dialer has room for one more connection, or {@link makeRoom} can make it. */
  hasRoom(dialer: Endpoint): boolean {
    return (
      this.#streamLimit.hasRoom(dialer) || this.#streamLimit.halfToGiveWay(dialer, dialer, this.#seconds) !== undefined
    )
  }

  /** Resets connections at `end` until it has room for one of `dialer`. @returns false if none of them gives way */
  makeRoom(end: Endpoint, dialer: Endpoint): boolean {
    while (!this.#streamLimit.hasRoom(end)) {
      const half = this.#streamLimit.halfToGiveWay(end, dialer, this.#seconds)
      if (half === undefined) return false
      this.reset(half, 'gave way', WIRE_ERRORS.evicted)
    }
    return true
  }

  /** Opens the first half of a connection, and reserves a place for the other one. */
  openFirst(stream: string, sender: Endpoint, receiver: Endpoint): Half {
    const half = this.open(stream, sender, receiver)
    this.#streamLimit.reserve(half)
    return half
  }

  /** Releases the place reserved for the other half. Call this before the other half is opened, or when the dial has failed. */
  releaseReservation(half: Half): void {
    this.#streamLimit.releaseReservation(half)
  }

  halvesOf(endpoint: Endpoint): ReadonlyMap<string, Half> {
    return this.#halves.get(endpoint) ?? NO_HALVES
  }

  find(endpoint: Endpoint, stream: string): Half | undefined {
    return this.#halves.get(endpoint)?.get(stream)
  }

  /** Opens a half whose name is free at both endpoints. */
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

  /** Ends a half without telling its endpoints. */
  drop(half: Half): void {
    if (half.ended) return
    half.ended = true
    this.#remove(half.sender, half)
    this.#remove(half.receiver, half)
    this.#removeUnaccepted(half)
    this.#flow.forget(half)
    this.#size--
  }

  /** Ends both halves of a connection, and sends the error to both endpoints, once per half. */
  reset(half: Half, reason: ResetReason, message: string): void {
    this.#counters.reset(reason)
    for (const each of [half, half.partner]) {
      if (each === undefined || each.ended) continue
      each.failure = message
      this.releaseReservation(each)
      this.drop(each)
      each.receiver.sendError(each.stream, message)
      each.sender.sendError(each.stream, message)
    }
  }

  detach(endpoint: Endpoint, reason: ResetReason = 'peer left', message: string = WIRE_ERRORS.peerLeft): void {
    for (const half of this.halvesOf(endpoint).values()) this.reset(half, reason, message)
    this.#flow.leave(endpoint)
  }

  /** Ends the halves that were not accepted in time, and resets those that paused their sender for too long. */
  sweep(): void {
    this.#seconds = Math.floor(this.#now() / 1_000)
    const limit = this.#now() - this.#options.acceptTimeout
    for (const half of this.#unaccepted) {
      if (half.openedAt > limit) break
      // The other half stays open: a connection may be used in one direction only.
      this.#counters.reset('not accepted')
      half.failure = WIRE_ERRORS.streamNotAccepted
      this.drop(half)
      half.sender.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
      half.receiver.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
    }
    for (const half of this.#flow.overdue()) this.reset(half, 'paused too long', WIRE_ERRORS.pausedTooLong)
  }

  /** Relays a frame to the other endpoint of its half. @returns false if the frame was dropped */
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
        // For a dial that is not answered yet: it fails with this reason.
        if (frame.reason !== true) half.failure = frame.reason
        this.drop(half)
        ;(from === half.sender ? half.receiver : half.sender).sendError(half.stream, frame.reason)
        return true
    }
  }

  /** Relays a chunk from the sender to the receiver, unchanged. @returns false if the chunk was dropped */
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
    this.#removeUnaccepted(half)
    half.sender.sendAccept(half.stream, this.#flow.accepted(half, window))
    return true
  }

  #removeUnaccepted(half: Half): void {
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
    this.#streamLimit.added(endpoint, half)
  }

  #remove(endpoint: Endpoint, half: Half): void {
    const halves = this.#halves.get(endpoint)
    if (halves?.delete(half.stream) !== true) return
    if (halves.size === 0) this.#halves.delete(endpoint)
    this.#streamLimit.removed(endpoint, half)
  }

  #dropForeign(): void {
    this.#counters.drop('foreign stream')
  }
}
