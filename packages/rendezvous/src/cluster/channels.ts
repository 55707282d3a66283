import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { Counters } from '../stats.js'
import type { RequestOutcome } from '../transport/acks.js'
import type { Backplane, NodeLink } from './backplane.js'
import { Channel, type ChannelFrame, type ChannelInit, type ChannelOwner } from './channel.js'
import type { Frame } from './frames.js'
import type { HopWindowOptions } from './hop-window.js'

export interface ChannelsOptions {
  window: HopWindowOptions
  /** Milliseconds that another node has to answer a dial. */
  answerTimeout: number
  /** Bytes kept for all channels together above which the one that keeps most is reset. */
  maxKept: number
}

/** A dial to a client of another node. */
export interface RemoteDial {
  readonly dialId: string
  /** Canonical. */
  readonly from: string
  readonly to: string
  /** The dialler knows windows and credit. */
  readonly isExtended: boolean
  /** The network that the dialler connects from; undefined for one to which no limit of networks applies. */
  readonly network: string | undefined
}

/** A dial from a client of another node, and how it is answered. */
export interface IncomingDial extends RemoteDial {
  readonly channel: Channel
  /** @param error - why not; without one the dial is taken */
  answer(isExtended: boolean, error?: string): void
}

interface Table {
  readonly channels: Map<number, Channel>
  readonly answers: Map<Channel, { settle: (outcome: RequestOutcome) => void; timer: NodeJS.Timeout }>
  readonly waiting: Set<Channel>
  next: number
}

/** Channels of one link that wait for room send so many bytes by turns. */
const TURN = 65_536
const NUMBERS = 2 ** 32

/** All dials between this node's clients and those of others, by the link they go over. */
export class Channels implements ChannelOwner {
  readonly router: Router
  readonly flow: FlowControl
  readonly #options: ChannelsOptions
  readonly #backplane: Backplane
  readonly #counters: Counters
  readonly #onDial: (dial: IncomingDial) => void
  readonly #now: () => number
  readonly #tables = new Map<NodeLink, Table>()

  /** @param onDial - told of each dial from another node; it answers in its own time */
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

  /** Dials under way and open. */
  get size(): number {
    let sum = 0
    for (const { channels } of this.#tables.values()) sum += channels.size
    return sum
  }

  /** Bytes kept for them. */
  get kept(): number {
    let sum = 0
    for (const channel of this.#all()) sum += channel.kept
    return sum
  }

  /** Nothing is on its way to other nodes. */
  get isQuiet(): boolean {
    return this.kept === 0 && this.#backplane.stats().links.every(({ unacknowledged }) => unacknowledged === 0)
  }

  /**
   * Opens a channel to another node and asks its client for a dial: once `begin` has opened the dialler's half.
   *
   * @param settle - called once, later
   */
  open(
    node: string,
    dial: RemoteDial,
    begin: (channel: Channel) => void,
    settle: (outcome: RequestOutcome) => void
  ): void {
    const link = this.#backplane.link(node)
    const table = this.#tableOf(link)
    while (table.channels.has(keyOf(table.next, true))) table.next = (table.next + 1) % NUMBERS
    const number = table.next
    table.next = (number + 1) % NUMBERS
    // Whether the other client knows windows is told with its answer.
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

  /** A frame of a dial. */
  frame(link: NodeLink, frame: ChannelFrame | (Frame & { type: 'open' | 'opened' })): void {
    if (frame.type === 'open') return this.#opened(link, frame)
    const table = this.#tables.get(link)
    const isOurs = frame.type === 'opened' || !frame.isOpener
    const channel = table?.channels.get(keyOf(frame.channel, isOurs))
    // It may have ended here before the other node knew.
    if (channel === undefined) return this.#counters.drop('unknown stream')
    if (frame.type !== 'opened') return channel.receive(frame)
    if (table?.answers.has(channel) === true) channel.extended = frame.isExtended
    this.#settle(channel, { answered: true, args: frame.error === undefined ? [] : [frame.error] })
  }

  /** A link has room again. */
  room(link: NodeLink): void {
    const waiting = this.#tables.get(link)?.waiting
    if (waiting === undefined) return
    for (let [channel] = waiting; channel !== undefined && link.hasRoom; [channel] = waiting) {
      waiting.delete(channel)
      if (channel.flush(TURN)) waiting.add(channel)
    }
  }

  /** A link is lost, and every dial that went over it. */
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

  /** Looks whether too much is kept. */
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

  /** Ends a channel's halves, here and at the other node, whatever waits to be sent. */
  #reset(channel: Channel, reason: 'window exceeded' | 'receiver too slow', message: string): void {
    channel.drop(message)
    this.router.detach(channel, reason, message)
    channel.closeIfDone()
  }

  #opened(link: NodeLink, frame: Frame & { type: 'open' }): void {
    const { channel: number, type: _, ...dial } = frame
    const table = this.#tableOf(link)
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
    this.#tableOf(link).channels.set(keyOf(dial.number, dial.isOpener), channel)
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

  #tableOf(link: NodeLink): Table {
    const known = this.#tables.get(link)
    if (known !== undefined) return known
    const table: Table = { channels: new Map(), answers: new Map(), waiting: new Set(), next: 0 }
    this.#tables.set(link, table)
    return table
  }
}

/** Channels of one link are told apart by their number and by who opened them. */
function keyOf(number: number, isOurs: boolean): number {
  return isOurs ? number : -1 - number
}
