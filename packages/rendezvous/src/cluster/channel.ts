import { halfName, WIRE_ERRORS } from '@websocket-star/protocol'
import type { ChunkHeader } from '../codec/stream-frame.js'
import { Queue } from '../pacing/queue.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { NodeLink } from './backplane.js'
import type { DialRef, Frame } from './frames.js'
import { chunkCost, HopWindow, type HopWindowOptions } from './hop-window.js'

/** A frame of one channel. */
export type ChannelFrame = Extract<Frame, DialRef>

export interface ChannelInit {
  number: number
  isOpener: boolean
  dialId: string
  /** The dialler's address, canonical. */
  from: string
  /** The other node's client knows windows and credit. */
  isExtended: boolean
  /** The network that the dialler connects from; undefined for one to which no limit of networks applies. */
  network: string | undefined
}

/** What a channel asks of those who keep it. */
export interface ChannelOwner {
  readonly router: Router
  readonly flow: FlowControl
  /** It has chunks to send and its link has no room: {@link Channel.flush} is called when that has. */
  awaitRoom(channel: Channel): void
  /** Nothing more comes of it and nothing more goes. */
  closed(channel: Channel): void
  /** The other node sent more than it may. */
  violated(channel: Channel): void
}

/** A larger one would make all others between the nodes wait, and be more than Redis takes: it goes in pieces. */
const LARGEST_CHUNK = 1_048_576

/** A dial between a client of this node and one of another: towards the relay it stands for that other client. */
export class Channel implements Endpoint {
  readonly link: NodeLink
  readonly number: number
  /** This node opened it: its client is the dialler. */
  readonly isOpener: boolean
  readonly dialId: string
  readonly isPausable = true
  readonly network: string
  readonly caller: string
  /** The other node's client knows windows and credit. */
  extended: boolean
  readonly #owner: ChannelOwner
  /** The half that this node's client sends on, and the one that the other's does. */
  readonly #outgoing: string
  readonly #incoming: string
  /** Chunks that wait for room, and the end of their half behind them. */
  readonly #unsent = new Queue<Buffer | { reason: true | string }>()
  #unsentCost = 0
  /** What may be sent. */
  #credit: number
  #wantsDrainAt = 0
  /** What came while the relay wanted nothing. */
  readonly #untaken = new Queue<ChannelFrame>()
  #untakenCost = 0
  #hasEnd = false
  readonly #window: HopWindow
  #isPaused = false
  #ended = false
  /** The dial has been answered, or given up. */
  #isAnswered = false
  #outgoingEnded = false
  #incomingEnded = false

  constructor(link: NodeLink, dial: ChannelInit, window: HopWindowOptions, owner: ChannelOwner, now: () => number) {
    this.link = link
    this.number = dial.number
    this.isOpener = dial.isOpener
    this.dialId = dial.dialId
    this.extended = dial.isExtended
    // Of a session on another node its address on the star is known.
    this.caller = dial.from
    this.network = dial.network ?? dial.from
    this.#owner = owner
    this.#outgoing = halfName(dial.dialId, dial.isOpener ? 'dialer' : 'listener')
    this.#incoming = halfName(dial.dialId, dial.isOpener ? 'listener' : 'dialer')
    this.#credit = window.initial
    this.#window = new HopWindow(window, now)
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * What is under way does not count: the window bounds that, and the other node may keep up to a part of it to itself for
   * ever, which nobody must wait for.
   */
  get buffered(): number {
    return this.#unsentCost
  }

  /** Bytes kept here, in either direction. */
  get kept(): number {
    return this.#unsentCost + this.#untakenCost
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    // Later, for whoever resumes is in the middle of something.
    setImmediate(() => this.#takeMore())
  }

  /** Its window bounds what is queued. */
  allowance(usual: number): number {
    return usual
  }

  onDrain(mark: number): void {
    this.#wantsDrainAt = this.#wantsDrainAt === 0 ? mark / 2 : Math.min(this.#wantsDrainAt, mark / 2)
  }

  /** Its own node does that. */
  reassure(): void {}

  sendChunk(_header: ChunkHeader, bytes: Buffer, offset: number): void {
    if (this.#ended || this.#outgoingEnded) return
    const payload = offset === 0 ? bytes : bytes.subarray(offset)
    if (payload.length <= LARGEST_CHUNK) return this.#sendPiece(payload)
    for (let start = 0; start < payload.length; start += LARGEST_CHUNK) {
      this.#sendPiece(payload.subarray(start, start + LARGEST_CHUNK))
    }
  }

  #sendPiece(payload: Buffer): void {
    if (this.#unsent.size === 0 && this.#credit > 0 && this.link.hasRoom) return this.#sendData(payload)
    this.#unsent.push(compact(payload))
    this.#unsentCost += chunkCost(payload.length)
    if (!this.link.hasRoom) this.#owner.awaitRoom(this)
  }

  sendAccept(_stream: string, window: number | undefined): void {
    if (!this.#ended) this.link.send({ type: 'accept', window, ...this.#ref })
  }

  sendCredit(_stream: string, bytes: number): void {
    if (!this.#ended) this.link.send({ type: 'credit', bytes, ...this.#ref })
  }

  sendError(stream: string, why: true | string): void {
    if (this.#ended) return
    // It is this server that stops, not the one of the client that is told.
    const reason = why === WIRE_ERRORS.serverStopping ? WIRE_ERRORS.nodeLost : why
    if (stream === this.#outgoing) this.#endOutgoing(reason)
    else if (!this.#incomingEnded) {
      this.#incomingEnded = true
      this.link.send({ type: 'end', half: 'received', reason, ...this.#ref })
    }
    this.closeIfDone()
  }

  /** The dial was answered, or nobody waits for that any more. */
  answered(): void {
    this.#isAnswered = true
    this.closeIfDone()
  }

  /** A frame from the other node. */
  receive(frame: ChannelFrame): void {
    if (this.#ended) return
    switch (frame.type) {
      case 'accept':
        this.#owner.router.route(this, { kind: 'accept', stream: this.#outgoing, window: frame.window })
        break
      case 'credit':
        this.#owner.router.route(this, { kind: 'credit', stream: this.#outgoing, bytes: frame.bytes })
        break
      case 'grant':
        this.#granted(frame.bytes)
        break
      case 'data':
        if (!this.#window.received(chunkCost(frame.bytes.length))) return this.#owner.violated(this)
        this.#takeInTurn(frame)
        break
      case 'end':
        if (frame.half === 'sent') this.#takeInTurn(frame)
        else this.#stopOutgoing(frame.reason)
        break
    }
    this.closeIfDone()
  }

  /**
   * Sends what waits, as far as it may.
   *
   * @param most - bytes to send at most, so that other channels have their turn
   * @returns whether more could be sent if the link had room
   */
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
    this.#lookAtDrain()
    this.closeIfDone()
    return this.#unsent.size > 0 && this.#credit > 0
  }

  /** Nothing passes any more. */
  close(): void {
    this.#ended = true
    this.#forgetWaiting()
  }

  /** Forgets what waits, in either direction; an end that waits behind it goes at once, with an error. */
  drop(message: string): void {
    const hasEnd = this.#outgoingEnded && this.#unsent.size > 0
    this.#forgetWaiting()
    if (hasEnd) this.#sendEnd(message)
  }

  #forgetWaiting(): void {
    this.#clearUnsent()
    this.#untaken.clear()
    this.#untakenCost = 0
  }

  /** Forgets it once both halves are over and everything has been sent. */
  closeIfDone(): void {
    if (this.#ended || !this.#isAnswered || this.#owner.router.halvesOf(this).size > 0) return
    if (this.#unsent.size > 0 || this.#untaken.size > 0) return
    this.close()
    this.#owner.closed(this)
  }

  get #ref(): DialRef {
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
    // What was sent before the end comes before it.
    if (this.#unsent.size === 0) this.#sendEnd(reason)
    else this.#unsent.push({ reason })
  }

  /** The other client takes no more. */
  #stopOutgoing(reason: true | string): void {
    this.#clearUnsent()
    this.#outgoingEnded = true
    this.#owner.router.route(this, { kind: 'error', stream: this.#outgoing, reason })
    this.#lookAtDrain()
  }

  #clearUnsent(): void {
    this.#unsent.clear()
    this.#unsentCost = 0
  }

  #granted(bytes: number): void {
    this.#credit += bytes
    if (this.flush()) this.#owner.awaitRoom(this)
  }

  #lookAtDrain(): void {
    if (this.#wantsDrainAt === 0 || this.buffered > this.#wantsDrainAt) return
    this.#wantsDrainAt = 0
    this.#owner.flow.drained(this)
  }

  /** Chunks, and the end that follows them, wait for each other. */
  #takeInTurn(frame: ChannelFrame): void {
    if (this.#hasEnd) return
    if (frame.type === 'end') this.#hasEnd = true
    if (!this.#isPaused && this.#untaken.size === 0) return this.#take(frame)
    if (frame.type !== 'data') return this.#untaken.push(frame)
    this.#untaken.push({ ...frame, bytes: compact(frame.bytes) })
    this.#untakenCost += chunkCost(frame.bytes.length)
  }

  #take(frame: ChannelFrame): void {
    if (frame.type === 'end') {
      this.#incomingEnded = true
      this.#owner.router.route(this, { kind: 'error', stream: this.#incoming, reason: frame.reason })
      return
    }
    if (frame.type !== 'data') return
    const half = this.#owner.router.find(this, this.#incoming)
    this.#window.consumed(chunkCost(frame.bytes.length))
    if (half !== undefined) this.#owner.router.chunk(half, this, frame.bytes, 0)
    this.#grant()
  }

  #takeMore(): void {
    while (!this.#isPaused && !this.#ended) {
      const frame = this.#untaken.shift()
      if (frame === undefined) break
      if (frame.type === 'data') this.#untakenCost -= chunkCost(frame.bytes.length)
      this.#take(frame)
    }
    this.#grant()
    this.closeIfDone()
  }

  /** Room is given back once the client's socket takes more: as long as it does not, the relay pauses this side. */
  #grant(): void {
    if (this.#isPaused || this.#ended) return
    const bytes = this.#window.grant()
    if (bytes > 0) this.link.send({ type: 'grant', bytes, ...this.#ref })
  }
}

/** A piece of something larger is copied before it is kept, for all of that would be kept with it. */
function compact(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}
