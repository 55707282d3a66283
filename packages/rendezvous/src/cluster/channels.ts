import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { Counters } from '../stats.js'
import type { RequestOutcome } from '../transport/acks.js'
import type { Backplane, NodeLink } from './backplane.js'
import { Channel, type ChannelFrame, type ChannelInit, type ChannelContext } from './channel.js'
import type { Frame } from './frames.js'
import type { ChannelWindowOptions } from './channel-window.js'

export interface ChannelsOptions {
  window: ChannelWindowOptions
  /** Milliseconds before an unanswered dial to another node fails. */
  answerTimeout: number
  /** Queued bytes of all channels above which the channel with most is reset. */
  maxKept: number
}

export interface RemoteDial {
  readonly dialId: string
  /** Canonical, as is `to`. */
  readonly from: string
  readonly to: string
  /** Whether the dialer knows windows and credit. */
  readonly isExtended: boolean
  /** Network that the dialer connects from; undefined if limits per network do not apply to it. */
  readonly network: string | undefined
}

export interface IncomingDial extends RemoteDial {
  readonly channel: Channel
  /** @param error - reason for the refusal; undefined accepts the dial */
  answer(isExtended: boolean, error?: string): void
}

interface LinkChannels {
  readonly channels: Map<number, Channel>
  readonly answers: Map<Channel, { settle: (outcome: RequestOutcome) => void; timer: NodeJS.Timeout }>
  readonly waiting: Set<Channel>
  next: number
}

/** Bytes that each channel of a link sends per round when the link has room again. */
const FLUSH_BYTES = 65_536
const NUMBERS = 2 ** 32

/** All channels of this node, by link. */
export class Channels implements ChannelContext {
  readonly router: Router
  readonly flow: FlowControl
  readonly #options: ChannelsOptions
  readonly #backplane: Backplane
  readonly #counters: Counters
  readonly #onDial: (dial: IncomingDial) => void
  readonly #now: () => number
  readonly #tables = new Map<NodeLink, LinkChannels>()

  /** @param onDial - called for each dial from another node; may answer the dial later */
  constructor(
    options: ChannelsOptions,
    backplane: Backplane,
    router: Router,
    flow: FlowControl,
    counters: Counters,
    onDial: (dial: IncomingDial) => void,
    now: () => number
  ) {
    this.#options = options
    this.#backplane = backplane
    this.router = router
    this.flow = flow
    this.#counters = counters
    this.#onDial = onDial
    this.#now = now
  }

  /** Number of channels, including those of unanswered dials. */
  get size(): number {
    let sum = 0
    for (const { channels } of this.#tables.values()) sum += channels.size
    return sum
  }

  get kept(): number {
    let sum = 0
    for (const channel of this.#all()) sum += channel.kept
    return sum
  }

  /** Whether no channel has queued bytes and every envelope is acknowledged. */
  get isQuiet(): boolean {
    return this.kept === 0 && this.#backplane.stats().links.every(({ unacknowledged }) => unacknowledged === 0)
  }

  /** Dials a client of another node. `begin` has to open the dialer's half. `settle` is called once, with the answer. */
  open(
    node: string,
    dial: RemoteDial,
    begin: (channel: Channel) => void,
    settle: (outcome: RequestOutcome) => void
  ): void {
    const link = this.#backplane.link(node)
    const table = this.#channelsOf(link)
    while (table.channels.has(keyOf(table.next, true))) table.next = (table.next + 1) % NUMBERS
    const number = table.next
    table.next = (number + 1) % NUMBERS
    // The answer tells whether the remote client knows windows.
    const channel = this.#add(link, { ...dial, number, isOpener: true, isExtended: false })
    const timer = setTimeout(
      () => this.#settle(channel, { answered: false, reason: 'timeout' }),
      this.#options.answerTimeout
    ).unref()
    table.answers.set(channel, { settle, timer })
    begin(channel)
    link.send({ type: 'open', channel: number, ...dial })
    if (link.isLost) queueMicrotask(() => this.lost(link))
  }

  frame(link: NodeLink, frame: ChannelFrame | (Frame & { type: 'open' | 'opened' })): void {
    if (frame.type === 'open') return this.#opened(link, frame)
    const table = this.#tables.get(link)
    const isOurs = frame.type === 'opened' || !frame.isOpener
    const channel = table?.channels.get(keyOf(frame.channel, isOurs))
    // The other node may not know yet that the channel has ended here.
    if (channel === undefined) return this.#counters.drop('unknown stream')
    if (frame.type !== 'opened') return channel.receive(frame)
    if (table?.answers.has(channel) === true) channel.extended = frame.isExtended
    this.#settle(channel, { answered: true, args: frame.error === undefined ? [] : [frame.error] })
  }

  room(link: NodeLink): void {
    const waiting = this.#tables.get(link)?.waiting
    if (waiting === undefined) return
    for (let [channel] = waiting; channel !== undefined && link.hasRoom; [channel] = waiting) {
      waiting.delete(channel)
      if (channel.flush(FLUSH_BYTES)) waiting.add(channel)
    }
  }

  lost(link: NodeLink): void {
    const table = this.#tables.get(link)
    if (table === undefined) return
    this.#tables.delete(link)
    for (const channel of table.channels.values()) {
      const answer = table.answers.get(channel)
      clearTimeout(answer?.timer)
      channel.close()
      answer?.settle({ answered: true, args: [WIRE_ERRORS.nodeLost] })
      this.router.detach(channel, 'node lost', WIRE_ERRORS.nodeLost)
    }
  }

  awaitRoom(channel: Channel): void {
    this.#tables.get(channel.link)?.waiting.add(channel)
  }

  closed(channel: Channel): void {
    const table = this.#tables.get(channel.link)
    table?.channels.delete(keyOf(channel.number, channel.isOpener))
    table?.waiting.delete(channel)
  }

  violated(channel: Channel): void {
    this.#reset(channel, 'window exceeded', WIRE_ERRORS.windowExceeded)
  }

  /** Resets the channels with most queued bytes while all together exceed the limit. */
  sweep(): void {
    let kept = this.kept
    if (kept <= this.#options.maxKept) return
    for (const channel of this.#all().toSorted((a, b) => b.kept - a.kept)) {
      if (kept <= this.#options.maxKept) return
      kept -= channel.kept
      this.#reset(channel, 'receiver too slow', WIRE_ERRORS.receiverTooSlow)
    }
  }

  stop(): void {
    for (const link of this.#tables.keys()) this.lost(link)
  }

  #all(): Channel[] {
    return [...this.#tables.values()].flatMap(({ channels }) => [...channels.values()])
  }

  /** Ends a channel's halves here and at the other node, and drops queued bytes. */
  #reset(channel: Channel, reason: 'window exceeded' | 'receiver too slow', message: string): void {
    channel.drop(message)
    this.router.detach(channel, reason, message)
    channel.closeIfDone()
  }

  #opened(link: NodeLink, frame: Frame & { type: 'open' }): void {
    const { channel: number, type: _, ...dial } = frame
    const table = this.#channelsOf(link)
    if (table.channels.has(keyOf(number, false))) return this.#counters.drop('unknown stream')
    const channel = this.#add(link, { ...dial, number, isOpener: false })
    let isAnswered = false
    const answer = (isCalleeExtended: boolean, error?: string) => {
      if (isAnswered) return
      isAnswered = true
      if (!channel.ended) link.send({ type: 'opened', channel: number, isExtended: isCalleeExtended, error })
      channel.answered()
    }
    this.#onDial({ ...dial, channel, answer })
  }

  #add(link: NodeLink, dial: ChannelInit): Channel {
    const channel = new Channel(link, dial, this.#options.window, this, this.#now)
    this.#channelsOf(link).channels.set(keyOf(dial.number, dial.isOpener), channel)
    return channel
  }

  #settle(channel: Channel, outcome: RequestOutcome): void {
    const answers = this.#tables.get(channel.link)?.answers
    const answer = answers?.get(channel)
    if (answer === undefined) return this.#counters.drop('ack without request')
    answers?.delete(channel)
    clearTimeout(answer.timer)
    answer.settle(outcome)
    channel.answered()
  }

  #channelsOf(link: NodeLink): LinkChannels {
    const known = this.#tables.get(link)
    if (known !== undefined) return known
    const table: LinkChannels = { channels: new Map(), answers: new Map(), waiting: new Set(), next: 0 }
    this.#tables.set(link, table)
    return table
  }
}

/** Returns a key for a channel: each side of a link numbers the channels that it opens. */
function keyOf(number: number, isOurs: boolean): number {
  return isOurs ? number : -1 - number
}
