import type { NodeLink } from '../backplane.js'
import type { Frame } from '../frames.js'
import { type Envelope, envelopeHeadSize, type EnvelopeType, writeEnvelopeHead } from './envelope.js'
import { frameSize, readFrames } from './frame-codec.js'
import { Inbox } from './inbox.js'
import type { LinksOptions } from './options.js'
import { Outbox } from './outbox.js'
import { Pulse } from './pulse.js'
import type { Slabs } from './slabs.js'

/** What the links of a node share. */
export interface LinkHost {
  /** Id of the node whose links these are. */
  readonly node: string
  readonly options: LinksOptions
  readonly slabs: Slabs
  /** Bytes of each link that may be unacknowledged. */
  readonly window: number
  now(): number
  publish(node: string, envelope: Buffer): Promise<number>
  /** Calls {@link ReliableLink.flush} at the end of this tick. */
  flushLater(link: ReliableLink): void
  /** Calls {@link ReliableLink.acknowledge} soon. */
  acknowledgeLater(link: ReliableLink): void
  frame(link: ReliableLink, frame: Frame): void
  room(link: ReliableLink): void
  /** Nothing can pass on this link any more: it is to be ended. */
  fail(link: ReliableLink): void
  fault(error: unknown): void
  /** An envelope was sent again. */
  retransmitted(): void
}

/** Why an envelope of a link was not taken. */
export type LinkRefusal = 'acknowledgement' | 'duplicate' | 'gap' | 'malformed'

/** Bytes of frames that leave at once. */
const ENVELOPE_BYTES = 65_536
/** Bytes beyond the window that frames which need no room may take. A node so far behind is given up. */
const BEYOND_WINDOW = 8 * 1_048_576
/** Such a part of the window is acknowledged at the end of the tick. */
const ACKNOWLEDGED_PART = 1 / 8
/** Room is told of when such a part of the window is free. */
const ROOM_PART = 1 / 2

/**
 * This node's side of a link: see {@link NodeLink}. Each side has picked a number for it, `from` and `to` of its envelopes,
 * so that those of an earlier link are known for what they are.
 */
export class ReliableLink implements NodeLink {
  readonly node: string
  /** This side's number for the link. */
  readonly own: number
  /** The other side's, 0 until it is heard of. */
  other = 0
  /** The other node had a lease when nodes were last told of. */
  hasLease = false
  /** How many times in a row nodes were told of without the other one. */
  absences = 0
  readonly #host: LinkHost
  readonly #headSize: number
  readonly #outbox: Outbox
  readonly #inbox = new Inbox()
  readonly #pulse: Pulse
  #isLost = false
  /** It is lost at the end of the tick, for whoever sends is in the middle of something. */
  #isDoomed = false
  /** There was no room, and nobody was told that there is some again. */
  #isFull = false
  /** Bytes unacknowledged after the last chunk that there was room for, which may have been a large one. */
  #allowed = 0
  #isFlushDue = false
  #isAcknowledgementDue = false

  constructor(host: LinkHost, node: string, own: number) {
    this.#host = host
    this.node = node
    this.own = own
    this.#headSize = envelopeHeadSize(host.node)
    this.#outbox = new Outbox(this.#headSize, host.slabs)
    this.#pulse = new Pulse(host.options, host.now())
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get hasRoom(): boolean {
    return !this.#isLost && !this.#isFull
  }

  /** Bytes that the other node has not acknowledged. */
  get unacknowledged(): number {
    return this.#outbox.bytes
  }

  send(frame: Frame): void {
    if (this.#isLost || this.#isDoomed) return
    const outbox = this.#outbox
    if (outbox.bytes > Math.max(this.#host.window, this.#allowed) + BEYOND_WINDOW) {
      this.#doom()
      return
    }
    try {
      outbox.gather(frame, frameSize(frame))
    } catch (error) {
      this.#host.fault(error)
      // Chunks after one that is missing would be worse than none.
      if (frame.type === 'data') this.#doom()
      return
    }
    if (frame.type === 'data' && !this.#isFull) this.#allowed = outbox.bytes
    this.#isFull ||= outbox.bytes >= this.#host.window
    if (outbox.gatheredBytes >= ENVELOPE_BYTES) this.#push()
    else this.#flushLater()
  }

  /** The end of a tick: what was gathered goes out. */
  flush(): void {
    this.#isFlushDue = false
    if (this.#isLost) return
    if (this.#isDoomed) {
      this.#host.fail(this)
      return
    }
    this.#push()
    if (this.#isAcknowledgementDue) this.#sendAlone('ack')
  }

  /** Tells the other side what was received, unless something that went out meanwhile has. */
  acknowledge(): void {
    if (!this.#isLost && this.#inbox.untold > 0) this.#sendAlone('ack')
  }

  /**
   * Takes an envelope that belongs to this link.
   *
   * @returns why it was not taken; after `malformed` nothing more can be
   */
  receive(envelope: Envelope, bytes: Buffer): LinkRefusal | undefined {
    if (envelope.acknowledged > this.#outbox.sent) return 'acknowledgement'
    const place = envelope.type === 'frames' ? this.#inbox.place(envelope.sequence) : undefined
    const frames = place === 'next' ? readFrames(bytes, envelopeHeadSize(envelope.source)) : []
    if (frames === undefined) return 'malformed'
    const now = this.#host.now()
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
        // It was sent again, so the acknowledgement got lost.
        this.#acknowledgeAtOnce()
        return place
      case undefined:
        this.#answer(envelope, now)
        return undefined
    }
  }

  /** The window may have changed. */
  refreshRoom(): void {
    this.#pump()
    this.#tellRoom()
  }

  /** The carrier works again. */
  resume(): void {
    if (!this.#isUsed) return
    this.#recover()
    // If the other side waits for this node to listen, it learns of it.
    if (this.#outbox.isEmpty) this.#probe()
  }

  /** Nobody could look after this link for so many milliseconds. */
  pardon(pause: number): void {
    this.#pulse.pardon(pause)
  }

  /** Looks for signs of life, and asks for some. */
  sweep(): void {
    const now = this.#host.now()
    if (this.#pulse.isLost(now)) this.#host.fail(this)
    else if (this.#isUsed && this.#pulse.isProbeDue(now, !this.#outbox.isEmpty)) this.#probe()
  }

  /** What was gathered goes out, and then nothing more. */
  finish(): void {
    this.#push()
    this.end(true)
  }

  /** @param hasGoodbye - the other side is told */
  end(hasGoodbye: boolean): void {
    if (hasGoodbye && this.#isUsed) this.#sendAlone('bye')
    this.#isLost = true
    this.#outbox.clear()
  }

  /** The other side may know of this link. */
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
    this.#host.flushLater(this)
  }

  #push(): void {
    if (this.#outbox.gatheredBytes === 0) return
    this.#pulse.used(this.#host.now())
    this.#outbox.seal()
    this.#pump()
  }

  /** Sends as many envelopes as may be out. */
  #pump(): void {
    if (this.#pulse.isBlocked) return
    const { window } = this.#host
    for (let next = this.#outbox.next(window); next !== undefined; next = this.#outbox.next(window)) {
      if (next.isAgain) this.#host.retransmitted()
      this.#publish(next.bytes, 'frames', next.sequence).then(this.#arrived, this.#refused)
    }
  }

  /** Sends all that is not acknowledged. */
  #recover(): void {
    this.#pulse.unblock()
    this.#outbox.rewind(this.#host.now())
    this.#pump()
    this.#tellRoom()
  }

  #hear(envelope: Envelope, now: number): void {
    this.other = envelope.from
    this.#pulse.heard(now)
    if (this.#pulse.isRetryDue(now)) this.#probe()
    if (!this.#outbox.acknowledge(envelope.acknowledged)) return
    this.#pump()
    this.#tellRoom()
  }

  #take(frames: readonly Frame[], bytes: number, now: number): void {
    this.#inbox.take(bytes)
    this.#pulse.used(now)
    if (this.#inbox.untold >= this.#host.window * ACKNOWLEDGED_PART) this.#acknowledgeAtOnce()
    else this.#host.acknowledgeLater(this)
    for (const frame of frames) {
      if (this.#isLost) return
      this.#host.frame(this, frame)
    }
  }

  #answer({ type, sequence, acknowledged }: Envelope, now: number): void {
    if (type === 'nack' && this.#outbox.mayRewind(acknowledged, now)) {
      this.#outbox.rewind(now)
      this.#pump()
    }
    if (sequence > this.#inbox.received) this.#nack(now)
    if (type === 'probe') this.#acknowledgeAtOnce()
  }

  #nack(now: number): void {
    if (this.#inbox.mayNack(now)) this.#sendAlone('nack')
  }

  /** At the end of the tick, that is: there may be something to send till then. */
  #acknowledgeAtOnce(): void {
    this.#isAcknowledgementDue = true
    this.#flushLater()
  }

  #tellRoom(): void {
    const { window } = this.#host
    if (this.#outbox.bytes <= window) this.#allowed = 0
    if (!this.#isFull || this.#isLost || this.#pulse.isBlocked || this.#outbox.bytes > window * ROOM_PART) return
    this.#isFull = false
    this.#host.room(this)
  }

  #block(reason: 'unheard' | 'away'): void {
    if (this.#isLost) return
    this.#pulse.block(reason, this.#host.now())
    this.#isFull = true
  }

  #probe(): void {
    const probedAt = this.#host.now()
    this.#pulse.probed(probedAt)
    const arrived = (count: number): void => {
      this.#arrived(count)
      if (count === 0 || this.#isLost) return
      this.#pulse.probeArrived(probedAt)
      if (this.#pulse.isBlocked) this.#recover()
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

  /** Each envelope acknowledges what was received so far. */
  #publish(bytes: Buffer, type: EnvelopeType, sequence: number): Promise<number> {
    const { own, other } = this
    const acknowledged = this.#inbox.received
    writeEnvelopeHead(bytes, { type, source: this.#host.node, from: own, to: other, sequence, acknowledged })
    this.#inbox.untold = 0
    this.#isAcknowledgementDue = false
    return this.#host.publish(this.node, bytes)
  }
}
