import type { NodeLink } from '../backplane.js'
import type { Frame } from '../frames.js'
import { type Envelope, envelopeHeadSize, type EnvelopeType, writeEnvelopeHead } from './envelope.js'
import { frameSize, readFrames } from './frame-codec.js'
import { Inbox } from './inbox.js'
import type { LinksOptions } from './options.js'
import { Outbox } from './outbox.js'
import { Liveness } from './liveness.js'
import type { BufferPool } from './buffer-pool.js'

/** Parts of the node that a link uses, and callbacks for its events. */
export interface LinkOwner {
  readonly node: string
  readonly options: LinksOptions
  readonly pool: BufferPool
  /** Maximum of unacknowledged bytes per link. */
  readonly window: number
  now(): number
  publish(node: string, envelope: Buffer): Promise<number>
  /** Calls {@link ReliableLink.flush} at the end of this tick. */
  flushLater(link: ReliableLink): void
  /** Calls {@link ReliableLink.acknowledge} soon. */
  acknowledgeLater(link: ReliableLink): void
  frame(link: ReliableLink, frame: Frame): void
  room(link: ReliableLink): void
  /** Ends a link that cannot work any more. */
  fail(link: ReliableLink): void
  fault(error: unknown): void
  retransmitted(): void
}

export type LinkRefusal = 'acknowledgement' | 'duplicate' | 'gap' | 'malformed'

/** Bytes of gathered frames that are sent without waiting for the end of the tick. */
const ENVELOPE_BYTES = 65_536
/** Bytes beyond the window that frames other than `data` may use. If more are unacknowledged, the link is lost. */
const BEYOND_WINDOW = 8 * 1_048_576
/** Part of the window that is received and unacknowledged at which an acknowledgement is sent at the end of the tick. */
const ACKNOWLEDGED_PART = 1 / 8
/** Free part of the window at which a full link has room again. */
const ROOM_PART = 1 / 2

/** This node's side of a link. Each side has its own number for the link, so envelopes of earlier links are recognised. */
export class ReliableLink implements NodeLink {
  readonly node: string
  /** This side's number for the link. */
  readonly own: number
  /** The other side's number, 0 until it is known. */
  other = 0
  /** Whether the other node had a lease at the last update. */
  hasLease = false
  /** Consecutive updates of the nodes that lacked the other node. */
  absences = 0
  readonly #owner: LinkOwner
  readonly #headSize: number
  readonly #outbox: Outbox
  readonly #inbox = new Inbox()
  readonly #liveness: Liveness
  #isLost = false
  /** The link is about to be lost, at the end of the tick: the caller is in the middle of an operation. */
  #isDoomed = false
  /** The window was full, and `room` has not been reported since. */
  #isFull = false
  /** Unacknowledged bytes after the last chunk that the window had room for. This chunk may exceed the window. */
  #allowed = 0
  #isFlushDue = false
  #isAcknowledgementDue = false

  constructor(owner: LinkOwner, node: string, own: number) {
    this.#owner = owner
    this.node = node
    this.own = own
    this.#headSize = envelopeHeadSize(owner.node)
    this.#outbox = new Outbox(this.#headSize, owner.pool)
    this.#liveness = new Liveness(owner.options, owner.now())
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get hasRoom(): boolean {
    return !this.#isLost && !this.#isFull
  }

  get unacknowledged(): number {
    return this.#outbox.bytes
  }

  send(frame: Frame): void {
    if (this.#isLost || this.#isDoomed) return
    const outbox = this.#outbox
    if (outbox.bytes > Math.max(this.#owner.window, this.#allowed) + BEYOND_WINDOW) {
      this.#doom()
      return
    }
    try {
      outbox.gather(frame, frameSize(frame))
    } catch (error) {
      this.#owner.fault(error)
      // The link is given up, because a stream must not continue without one of its chunks.
      if (frame.type === 'data') this.#doom()
      return
    }
    if (frame.type === 'data' && !this.#isFull) this.#allowed = outbox.bytes
    this.#isFull ||= outbox.bytes >= this.#owner.window
    if (outbox.gatheredBytes >= ENVELOPE_BYTES) this.#push()
    else this.#flushLater()
  }

  flush(): void {
    this.#isFlushDue = false
    if (this.#isLost) return
    if (this.#isDoomed) {
      this.#owner.fail(this)
      return
    }
    this.#push()
    if (this.#isAcknowledgementDue) this.#sendAlone('ack')
  }

  /** Acknowledges received envelopes, unless a sent envelope has acknowledged them meanwhile. */
  acknowledge(): void {
    if (!this.#isLost && this.#inbox.unacknowledged > 0) this.#sendAlone('ack')
  }

  /** Handles an envelope of this link. @returns the reason if the envelope was refused. After `malformed`, end the link */
  receive(envelope: Envelope, bytes: Buffer): LinkRefusal | undefined {
    if (envelope.acknowledged > this.#outbox.sent) return 'acknowledgement'
    const place = envelope.type === 'frames' ? this.#inbox.place(envelope.sequence) : undefined
    const frames = place === 'next' ? readFrames(bytes, envelopeHeadSize(envelope.source)) : []
    if (frames === undefined) return 'malformed'
    const now = this.#owner.now()
    this.#hear(envelope, now)
    if (this.#isLost) return undefined
    switch (place) {
      case 'next':
        this.#take(frames, bytes.length, now)
        return undefined
      case 'gap':
        this.#nack(now)
        return place
      case 'duplicate':
        // The other side has sent the envelope again, so our acknowledgement was lost.
        this.#acknowledgeInTick()
        return place
      case undefined:
        this.#answer(envelope, now)
        return undefined
    }
  }

  refreshRoom(): void {
    this.#pump()
    this.#tellRoom()
  }

  /** Retransmits everything. Call it when the carrier works again. */
  resume(): void {
    if (!this.#isUsed) return
    this.#recover()
    // The other side may be waiting for this node to subscribe again.
    if (this.#outbox.isEmpty) this.#probe()
  }

  /** Excludes a pause of this process, in milliseconds, from all timeouts. */
  excuse(pause: number): void {
    this.#liveness.excuse(pause)
  }

  /** Gives up the link if the other side does not answer. Otherwise sends a probe when one is due. */
  sweep(): void {
    const now = this.#owner.now()
    if (this.#liveness.isLost(now)) this.#owner.fail(this)
    else if (this.#isUsed && this.#liveness.isProbeDue(now, !this.#outbox.isEmpty)) this.#probe()
  }

  finish(): void {
    this.#push()
    this.end(true)
  }

  /** @param hasGoodbye - whether to send `bye` */
  end(hasGoodbye: boolean): void {
    if (hasGoodbye && this.#isUsed) this.#sendAlone('bye')
    this.#isLost = true
    this.#outbox.clear()
  }

  /** Whether the other side may know this link. */
  get #isUsed(): boolean {
    return this.other !== 0 || this.#outbox.sent > 0
  }

  #doom(): void {
    this.#isDoomed = true
    this.#flushLater()
  }

  #flushLater(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#owner.flushLater(this)
  }

  #push(): void {
    if (this.#outbox.gatheredBytes === 0) return
    this.#liveness.used(this.#owner.now())
    this.#outbox.seal()
    this.#pump()
  }

  /** Sends envelopes until the window is full. */
  #pump(): void {
    if (this.#liveness.isBlocked) return
    const { window } = this.#owner
    for (let next = this.#outbox.next(window); next !== undefined; next = this.#outbox.next(window)) {
      if (next.isRetransmission) this.#owner.retransmitted()
      this.#publish(next.bytes, 'frames', next.sequence).then(this.#arrived, this.#refused)
    }
  }

  #recover(): void {
    this.#liveness.unblock()
    this.#outbox.rewind(this.#owner.now())
    this.#pump()
    this.#tellRoom()
  }

  #hear(envelope: Envelope, now: number): void {
    this.other = envelope.from
    this.#liveness.heard(now)
    if (this.#liveness.isRetryDue(now)) this.#probe()
    if (!this.#outbox.acknowledge(envelope.acknowledged)) return
    this.#pump()
    this.#tellRoom()
  }

  #take(frames: readonly Frame[], bytes: number, now: number): void {
    this.#inbox.take(bytes)
    this.#liveness.used(now)
    if (this.#inbox.unacknowledged >= this.#owner.window * ACKNOWLEDGED_PART) this.#acknowledgeInTick()
    else this.#owner.acknowledgeLater(this)
    for (const frame of frames) {
      if (this.#isLost) return
      this.#owner.frame(this, frame)
    }
  }

  #answer({ type, sequence, acknowledged }: Envelope, now: number): void {
    if (type === 'nack' && this.#outbox.mayRewind(acknowledged, now)) {
      this.#outbox.rewind(now)
      this.#pump()
    }
    if (sequence > this.#inbox.received) this.#nack(now)
    if (type === 'probe') this.#acknowledgeInTick()
  }

  #nack(now: number): void {
    if (this.#inbox.mayNack(now)) this.#sendAlone('nack')
  }

  /** Acknowledges at the end of the tick, together with frames if any are queued. */
  #acknowledgeInTick(): void {
    this.#isAcknowledgementDue = true
    this.#flushLater()
  }

  #tellRoom(): void {
    const { window } = this.#owner
    if (this.#outbox.bytes <= window) this.#allowed = 0
    if (!this.#isFull || this.#isLost || this.#liveness.isBlocked || this.#outbox.bytes > window * ROOM_PART) return
    this.#isFull = false
    this.#owner.room(this)
  }

  #block(reason: 'unheard' | 'away'): void {
    if (this.#isLost) return
    this.#liveness.block(reason, this.#owner.now())
    this.#isFull = true
  }

  #probe(): void {
    const probedAt = this.#owner.now()
    this.#liveness.probed(probedAt)
    const arrived = (count: number): void => {
      this.#arrived(count)
      if (count === 0 || this.#isLost) return
      this.#liveness.probeArrived(probedAt)
      if (this.#liveness.isBlocked) this.#recover()
    }
    this.#publish(Buffer.allocUnsafe(this.#headSize), 'probe', this.#outbox.last).then(arrived, this.#refused)
  }

  #sendAlone(type: 'ack' | 'nack' | 'bye'): void {
    const bytes = Buffer.allocUnsafe(this.#headSize)
    this.#publish(bytes, type, this.#outbox.last).then(this.#arrived, this.#refused)
  }

  readonly #arrived = (count: number): void => {
    if (count === 0) this.#block('unheard')
  }

  readonly #refused = (): void => {
    this.#block('away')
  }

  /** Publishes an envelope, which acknowledges everything received so far. */
  #publish(bytes: Buffer, type: EnvelopeType, sequence: number): Promise<number> {
    const { own, other } = this
    const acknowledged = this.#inbox.received
    writeEnvelopeHead(bytes, { type, source: this.#owner.node, from: own, to: other, sequence, acknowledged })
    this.#inbox.unacknowledged = 0
    this.#isAcknowledgementDue = false
    return this.#owner.publish(this.node, bytes)
  }
}
