import { halfName, WIRE_ERRORS } from '@websocket-star/protocol'
import type { ChunkHeader } from '../codec/stream-frame.js'
import { Queue } from '../pacing/queue.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { NodeLink } from './backplane.js'
import type { ChannelRef, Frame } from './frames.js'
import { chunkCost, ChannelWindow, type ChannelWindowOptions } from './channel-window.js'

export type ChannelFrame = Extract<Frame, ChannelRef>

export interface ChannelInit {
  number: number
  isOpener: boolean
  dialId: string
  /** The dialer's address, canonical. */
  from: string
  /** Whether the other node's client knows windows and credit. */
  isExtended: boolean
  network: string | undefined
}

/** Parts of the node that a channel uses, and callbacks for its events. */
export interface ChannelContext {
  readonly router: Router
  readonly flow: FlowControl
  /** Requests a call of {@link Channel.flush} when the channel's link has room. */
  awaitRoom(channel: Channel): void
  /** Both halves have ended and everything has been sent. */
  closed(channel: Channel): void
  /** The other node exceeded the window. */
  violated(channel: Channel): void
}

/** Bytes above which a chunk is split, because it would delay other channels and exceed what Redis accepts. */
const CHUNK_MAX = 1_048_576

/** Connection of a client here with a client of another node. For the relay, it is the endpoint of the remote client. */
export class Channel implements Endpoint {
  readonly link: NodeLink
  readonly number: number
  /** Whether this node's client is the dialer. */
  readonly isOpener: boolean
  readonly dialId: string
  readonly isPausable = true
  readonly network: string
  readonly identity: string
  extended: boolean
  readonly #context: ChannelContext
  /** Stream names of the halves that this node's client and the remote client send on. */
  readonly #outgoing: string
  readonly #incoming: string
  /** Chunks waiting for credit or room, followed by the end of their half. */
  readonly #unsent = new Queue<Buffer | { reason: true | string }>()
  #unsentCost = 0
  #credit: number
  /** Queued bytes at which the channel counts as drained; 0 if the relay does not wait for that. */
  #drainLevel = 0
  /** Frames received while paused. */
  readonly #unread = new Queue<ChannelFrame>()
  #unreadCost = 0
  #hasReceivedEnd = false
  readonly #window: ChannelWindow
  #isPaused = false
  #ended = false
  /** The dial was answered or abandoned. */
  #isAnswered = false
  #outgoingEnded = false
  #incomingEnded = false

  constructor(
    link: NodeLink,
    dial: ChannelInit,
    window: ChannelWindowOptions,
    context: ChannelContext,
    now: () => number
  ) {
    this.link = link
    this.number = dial.number
    this.isOpener = dial.isOpener
    this.dialId = dial.dialId
    this.extended = dial.isExtended
    // The remote session is unknown here, so its star address identifies the caller.
    this.identity = dial.from
    this.network = dial.network ?? dial.from
    this.#context = context
    this.#outgoing = halfName(dial.dialId, dial.isOpener ? 'dialer' : 'listener')
    this.#incoming = halfName(dial.dialId, dial.isOpener ? 'listener' : 'dialer')
    this.#credit = window.initial
    this.#window = new ChannelWindow(window, now)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Unsent bytes. Bytes in flight are bounded by the window, and might never fall to 0, because grants come in steps. */
  get buffered(): number {
    return this.#unsentCost
  }

  /** Bytes queued in both directions. */
  get kept(): number {
    return this.#unsentCost + this.#unreadCost
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    // Deferred, because the caller is in the middle of an operation.
    setImmediate(() => this.#deliverUnread())
  }

  allowance(usual: number): number {
    return usual
  }

  onDrain(mark: number): void {
    this.#drainLevel = this.#drainLevel === 0 ? mark / 2 : Math.min(this.#drainLevel, mark / 2)
  }

  /** Does nothing: the remote client's own node sends it signs of life. */
  reassure(): void {}

  sendChunk(_header: ChunkHeader, bytes: Buffer, offset: number): void {
    if (this.#ended || this.#outgoingEnded) return
    const payload = offset === 0 ? bytes : bytes.subarray(offset)
    if (payload.length <= CHUNK_MAX) return this.#sendPiece(payload)
    for (let start = 0; start < payload.length; start += CHUNK_MAX) {
      this.#sendPiece(payload.subarray(start, start + CHUNK_MAX))
    }
  }

  #sendPiece(payload: Buffer): void {
    if (this.#unsent.size === 0 && this.#credit > 0 && this.link.hasRoom) return this.#sendData(payload)
    this.#unsent.push(compact(payload))
    this.#unsentCost += chunkCost(payload.length)
    if (!this.link.hasRoom) this.#context.awaitRoom(this)
  }

  sendAccept(_stream: string, window: number | undefined): void {
    if (!this.#ended) this.link.send({ type: 'accept', window, ...this.#ref })
  }

  sendCredit(_stream: string, bytes: number): void {
    if (!this.#ended) this.link.send({ type: 'credit', bytes, ...this.#ref })
  }

  sendError(stream: string, why: true | string): void {
    if (this.#ended) return
    // The remote client's server is not the one that is stopping.
    const reason = why === WIRE_ERRORS.serverStopping ? WIRE_ERRORS.nodeLost : why
    if (stream === this.#outgoing) this.#endOutgoing(reason)
    else if (!this.#incomingEnded) {
      this.#incomingEnded = true
      this.link.send({ type: 'end', half: 'received', reason, ...this.#ref })
    }
    this.closeIfDone()
  }

  answered(): void {
    this.#isAnswered = true
    this.closeIfDone()
  }

  receive(frame: ChannelFrame): void {
    if (this.#ended) return
    switch (frame.type) {
      case 'accept':
        this.#context.router.route(this, { kind: 'accept', stream: this.#outgoing, window: frame.window })
        break
      case 'credit':
        this.#context.router.route(this, { kind: 'credit', stream: this.#outgoing, bytes: frame.bytes })
        break
      case 'grant':
        this.#granted(frame.bytes)
        break
      case 'data':
        if (!this.#window.received(chunkCost(frame.bytes.length))) return this.#context.violated(this)
        this.#deliverInOrder(frame)
        break
      case 'end':
        if (frame.half === 'sent') this.#deliverInOrder(frame)
        else this.#stopOutgoing(frame.reason)
        break
    }
    this.closeIfDone()
  }

  /** Sends up to about `most` bytes of queued chunks. @returns whether chunks remain that the credit allows */
  flush(most = Number.POSITIVE_INFINITY): boolean {
    let left = most
    while (left > 0 && this.#unsent.size > 0) {
      const [next] = this.#unsent
      if (!Buffer.isBuffer(next)) {
        if (next !== undefined) this.#sendEnd(next.reason)
      } else {
        if (this.#credit <= 0) break
        if (!this.link.hasRoom) return true
        this.#unsentCost -= chunkCost(next.length)
        this.#sendData(next)
        left -= next.length
      }
      this.#unsent.shift()
    }
    this.#checkDrain()
    this.closeIfDone()
    return this.#unsent.size > 0 && this.#credit > 0
  }

  close(): void {
    this.#ended = true
    this.#clearQueues()
  }

  /** Drops the queues of both directions. If the end of a half was queued, sends it immediately, as an error. */
  drop(message: string): void {
    const hasEnd = this.#outgoingEnded && this.#unsent.size > 0
    this.#clearQueues()
    if (hasEnd) this.#sendEnd(message)
  }

  #clearQueues(): void {
    this.#clearUnsent()
    this.#unread.clear()
    this.#unreadCost = 0
  }

  closeIfDone(): void {
    if (this.#ended || !this.#isAnswered || this.#context.router.halvesOf(this).size > 0) return
    if (this.#unsent.size > 0 || this.#unread.size > 0) return
    this.close()
    this.#context.closed(this)
  }

  get #ref(): ChannelRef {
    return { channel: this.number, isOpener: this.isOpener }
  }

  #sendData(bytes: Buffer): void {
    this.#credit -= chunkCost(bytes.length)
    this.link.send({ type: 'data', bytes, channel: this.number, isOpener: this.isOpener })
  }

  #sendEnd(reason: true | string): void {
    this.link.send({ type: 'end', half: 'sent', reason, ...this.#ref })
  }

  #endOutgoing(reason: true | string): void {
    if (this.#outgoingEnded) return
    this.#outgoingEnded = true
    if (this.#unsent.size === 0) this.#sendEnd(reason)
    else this.#unsent.push({ reason })
  }

  /** The remote client stopped reading. */
  #stopOutgoing(reason: true | string): void {
    this.#clearUnsent()
    this.#outgoingEnded = true
    this.#context.router.route(this, { kind: 'error', stream: this.#outgoing, reason })
    this.#checkDrain()
  }

  #clearUnsent(): void {
    this.#unsent.clear()
    this.#unsentCost = 0
  }

  #granted(bytes: number): void {
    this.#credit += bytes
    if (this.flush()) this.#context.awaitRoom(this)
  }

  #checkDrain(): void {
    if (this.#drainLevel === 0 || this.buffered > this.#drainLevel) return
    this.#drainLevel = 0
    this.#context.flow.drained(this)
  }

  /** Delivers chunks and the end behind them in order; queues them while paused. */
  #deliverInOrder(frame: ChannelFrame): void {
    if (this.#hasReceivedEnd) return
    if (frame.type === 'end') this.#hasReceivedEnd = true
    if (!this.#isPaused && this.#unread.size === 0) return this.#deliver(frame)
    if (frame.type !== 'data') return this.#unread.push(frame)
    this.#unread.push({ ...frame, bytes: compact(frame.bytes) })
    this.#unreadCost += chunkCost(frame.bytes.length)
  }

  #deliver(frame: ChannelFrame): void {
    if (frame.type === 'end') {
      this.#incomingEnded = true
      this.#context.router.route(this, { kind: 'error', stream: this.#incoming, reason: frame.reason })
      return
    }
    if (frame.type !== 'data') return
    const half = this.#context.router.find(this, this.#incoming)
    this.#window.consumed(chunkCost(frame.bytes.length))
    if (half !== undefined) this.#context.router.chunk(half, this, frame.bytes, 0)
    this.#grant()
  }

  #deliverUnread(): void {
    while (!this.#isPaused && !this.#ended) {
      const frame = this.#unread.shift()
      if (frame === undefined) break
      if (frame.type === 'data') this.#unreadCost -= chunkCost(frame.bytes.length)
      this.#deliver(frame)
    }
    this.#grant()
    this.closeIfDone()
  }

  /** Grants credit for delivered chunks, unless the relay has paused this endpoint because the client here reads slowly. */
  #grant(): void {
    if (this.#isPaused || this.#ended) return
    const bytes = this.#window.grant()
    if (bytes > 0) this.link.send({ type: 'grant', bytes, ...this.#ref })
  }
}

/** Copies a small view, which would keep its whole buffer in memory while it is queued. */
function compact(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}
