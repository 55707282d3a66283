import type { StarAddress } from '@websocket-star/protocol'
import { Channels } from '../../src/cluster/channels.js'
import type { ChannelWindowOptions } from '../../src/cluster/channel-window.js'
import { LocalBackplane, type LocalStar } from '../../src/cluster/local-backplane.js'
import { Probes } from '../../src/cluster/probes.js'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { Discovery } from '../../src/discovery/discovery.js'
import { Registry } from '../../src/registry/registry.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Router } from '../../src/relay/router.js'
import { Dialing, type DialOptions } from '../../src/star/dial.js'
import { OtherNodes } from '../../src/star/other-nodes.js'
import { Ownership } from '../../src/star/ownership.js'
import { Counters } from '../../src/stats.js'
import { createSessionEntry, type RecordingSessionEntry } from './session-entry.js'
import type { RecordingOptions } from './recording-session.js'

export const HIGH_WATER_MARK = 4_096
export const WINDOW: ChannelWindowOptions = { initial: 2_048, max: 8_192 }
const ANSWER_TIMEOUT = 200
const MAX_KEPT = 65_536
const TAKEOVER_TIMEOUT = 50

const DIALS: DialOptions = {
  ackTimeout: 15_000,
  pendingDialsPerSession: 8,
  unacceptedStreams: 16
}

/** A node with all that its clients' requests and other nodes' frames go through; the sessions are recordings. */
export class TestNode {
  readonly registry = new Registry()
  readonly counters = new Counters()
  readonly backplane: LocalBackplane
  readonly discovery: Discovery
  readonly ownership: Ownership
  readonly flow: FlowControl
  readonly router: Router
  readonly channels: Channels
  readonly dialing: Dialing
  readonly faults: unknown[] = []
  /** What its clients were sent, and what their dials were answered with, in order. */
  readonly journal: unknown[][] = []
  readonly #others: OtherNodes
  readonly #now = () => performance.now()

  constructor(star: LocalStar, name: string) {
    const onFault = (fault: unknown) => void this.faults.push(fault)
    const now = this.#now
    this.backplane = new LocalBackplane(star, name)
    this.flow = new FlowControl(
      { highWaterMark: HIGH_WATER_MARK, sessionCeiling: HIGH_WATER_MARK * 8, pauseTimeout: 30_000 },
      this.counters,
      now
    )
    this.router = new Router({ streamsPerSession: 16, acceptTimeout: 60_000 }, this.flow, this.counters, now)
    const discoveryOptions = { interval: 10_000, window: 256, maxBytesPerSecond: 4_000_000 }
    const budget = new DiscoveryBudget(discoveryOptions, this.counters)
    this.discovery = new Discovery(discoveryOptions, this.registry, budget, this.counters)
    const probes = new Probes(this.backplane, TAKEOVER_TIMEOUT)
    this.ownership = new Ownership(
      this.registry,
      this.backplane,
      (node, key) => probes.ask(node, key),
      TAKEOVER_TIMEOUT,
      onFault
    )
    this.channels = new Channels(
      { window: WINDOW, answerTimeout: ANSWER_TIMEOUT, maxKept: MAX_KEPT },
      this.backplane,
      this.router,
      this.flow,
      this.counters,
      (dial) => this.dialing.answer(dial),
      now
    )
    this.dialing = new Dialing(DIALS, this.registry, this.router, this.backplane, this.channels, this.counters, onFault)
    this.#others = new OtherNodes({ ownership: this.ownership, channels: this.channels, probes, onFault })
  }

  async start(): Promise<this> {
    await this.backplane.start(this.#others)
    return this
  }

  /** A client of this node that has joined. */
  join(name: string, address: StarAddress, isExtended = true, options?: RecordingOptions): RecordingSessionEntry {
    const sessionEntry = createSessionEntry(name, this.journal, options)
    sessionEntry.recording.extended = isExtended
    this.ownership.claim(sessionEntry, address)
    return sessionEntry
  }

  /** A dial; its answer is written into the journal. */
  dial(from: RecordingSessionEntry, to: StarAddress, dialId = 'a'): void {
    const [own] = [...from.addresses.values()]
    this.dialing.dial(from, [own?.legacy, to.legacy, dialId], (...answer) => this.journal.push(['answer', ...answer]))
  }

  /** A client leaves without a word. */
  lose(sessionEntry: RecordingSessionEntry): void {
    sessionEntry.recording.ended = true
    this.ownership.releaseAll(sessionEntry)
    this.router.detach(sessionEntry.session)
  }
}

/** Waits until the nodes have told each other all that they had to. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}
