import { vi } from 'vitest'
import type { NodeLink } from '../../../src/cluster/backplane.js'
import type { Frame } from '../../../src/cluster/frames.js'
import type { Carrier } from '../../../src/cluster/links/carrier.js'
import { type Envelope, readEnvelopeHead } from '../../../src/cluster/links/envelope.js'
import { Links, LINKS_DEFAULTS, type LinksOptions } from '../../../src/cluster/links/links.js'

/** What a carrier does with what it is given. `stopped` answers once it is something else. */
export type Mode = 'works' | 'unheard' | 'away' | 'stopped'

interface Sent {
  readonly bytes: Buffer
  /** What it was when it was sent: nobody may change it until it is acknowledged. */
  readonly copy: Buffer
}

/** One node, what it was told, and the carrier it sends with. */
export class TestNode implements Carrier {
  readonly links: Links
  readonly frames: { readonly link: NodeLink; readonly frame: Frame }[] = []
  readonly lost: NodeLink[] = []
  readonly rooms: NodeLink[] = []
  readonly faults: unknown[] = []
  /** Is told first, and may throw. */
  onFrame: (link: NodeLink, frame: Frame) => void = () => {}
  onLost: (link: NodeLink) => void = () => {}
  onRoom: (link: NodeLink) => void = () => {}
  readonly #network: Network
  readonly #name: string
  #mode: Mode = 'works'
  #stopped: (() => void)[] = []

  constructor(network: Network, name: string, options: LinksOptions) {
    this.#network = network
    this.#name = name
    const listener = {
      frame: (link: NodeLink, frame: Frame) => {
        this.frames.push({ link, frame })
        this.onFrame(link, frame)
      },
      room: (link: NodeLink) => {
        this.rooms.push(link)
        this.onRoom(link)
      },
      lost: (link: NodeLink) => {
        this.lost.push(link)
        this.onLost(link)
      }
    }
    this.links = new Links(name, options, this, listener, (error) => this.faults.push(error), Date.now)
  }

  set mode(mode: Mode) {
    this.#mode = mode
    if (mode === 'stopped') return
    for (const go of this.#stopped.splice(0)) go()
  }

  async publish(node: string, bytes: Buffer): Promise<number> {
    const sent = { bytes, copy: Buffer.from(bytes) }
    if (this.#mode === 'stopped') await new Promise<void>((resolve) => this.#stopped.push(resolve))
    if (this.#mode === 'away') throw new Error('not connected')
    if (this.#mode === 'unheard') return 0
    this.#network.queue(this.#name, node).push(sent)
    return 1
  }
}

/** Nodes in one process. What they send waits until it is delivered. Needs {@link fakeTime}. */
export class Network {
  readonly nodes = new Map<string, TestNode>()
  readonly #queues = new Map<string, Sent[]>()
  /** What was last delivered on each way. */
  readonly #delivered = new Map<string, Buffer[]>()
  readonly #options: LinksOptions

  constructor(options: Partial<LinksOptions> = {}) {
    this.#options = { ...LINKS_DEFAULTS, ...options }
  }

  add(name: string): TestNode {
    const node = new TestNode(this, name, this.#options)
    this.nodes.set(name, node)
    return node
  }

  /** What is on its way. */
  queue(from: string, to: string): Sent[] {
    const way = `${from}>${to}`
    const queue = this.#queues.get(way) ?? []
    this.#queues.set(way, queue)
    return queue
  }

  heads(from: string, to: string): Envelope[] {
    return this.queue(from, to).map(({ bytes }) => {
      const head = readEnvelopeHead(bytes)
      if (typeof head === 'string') throw new Error(`An envelope is ${head}`)
      return head
    })
  }

  /** Delivers the next few. */
  deliver(from: string, to: string, count = Infinity): void {
    const delivered = this.#delivered.get(`${from}>${to}`) ?? []
    this.#delivered.set(`${from}>${to}`, delivered)
    for (const { bytes, copy } of this.queue(from, to).splice(0, count)) {
      if (!bytes.equals(copy)) throw new Error('An envelope was changed after it was sent')
      delivered.push(copy)
      this.nodes.get(to)?.links.receive(Buffer.from(copy))
    }
    delivered.splice(0, delivered.length - 50)
  }

  /** Delivers once more what was delivered a while ago. */
  replay(from: string, to: string, index: number): void {
    const delivered = this.#delivered.get(`${from}>${to}`) ?? []
    const bytes = delivered[index % delivered.length]
    if (bytes !== undefined) this.nodes.get(to)?.links.receive(Buffer.from(bytes))
  }

  drop(from: string, to: string, count = Infinity): void {
    this.queue(from, to).splice(0, count)
  }

  /** The next few come twice each. */
  duplicate(from: string, to: string, count: number): void {
    const queue = this.queue(from, to)
    queue.unshift(...queue.splice(0, count).flatMap((sent) => [sent, { ...sent, bytes: sent.copy }]))
  }

  deliverAll(): void {
    for (const way of this.#queues.keys()) {
      const [from = '', to = ''] = way.split('>')
      this.deliver(from, to)
    }
  }

  /** Milliseconds go by, with sweeps of those who are awake, and nothing is delivered. */
  async pass(milliseconds: number, awake: Iterable<TestNode> = this.nodes.values()): Promise<void> {
    const nodes = [...awake]
    for (let left = milliseconds; left > 0; left -= 250) {
      await vi.advanceTimersByTimeAsync(Math.min(250, left))
      for (const node of nodes) node.links.sweep()
      await tick()
    }
  }

  /** Milliseconds go by, and everything is delivered at once. */
  async run(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 250) {
      await this.settle()
      await this.pass(Math.min(250, left))
    }
    await this.settle()
  }

  /** Everything is delivered, and what is said to it, without waiting for clocks. */
  async settle(): Promise<void> {
    do {
      this.deliverAll()
      await tick()
    } while ([...this.#queues.values()].some((queue) => queue.length > 0))
  }
}

/** The end of this tick. */
export async function tick(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** Timers and clocks stand still until they are moved on. */
export function fakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] })
}

export function grant(channel: number, bytes = 1): Frame {
  return { type: 'grant', channel, isOpener: true, bytes }
}

export function data(channel: number, size: number, fill = channel): Frame {
  return { type: 'data', channel, isOpener: true, bytes: Buffer.alloc(size, fill) }
}
