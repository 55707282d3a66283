import { vi } from 'vitest'
import type { NodeLink } from '../../../src/cluster/backplane.js'
import type { Frame } from '../../../src/cluster/frames.js'
import type { Carrier } from '../../../src/cluster/links/carrier.js'
import { type Envelope, readEnvelopeHead } from '../../../src/cluster/links/envelope.js'
import { Links, LINKS_DEFAULTS, type LinksOptions } from '../../../src/cluster/links/links.js'

/** Behaviour of a carrier. `stopped` answers when the mode changes. */
export type CarrierMode = 'works' | 'unheard' | 'away' | 'stopped'

interface SentEnvelope {
  readonly bytes: Buffer
  /** Copy for checking that the bytes stay unchanged until acknowledged. */
  readonly copy: Buffer
}

/** The links of one node, their events, and the node's carrier. */
export class LinkNode implements Carrier {
  readonly links: Links
  readonly frames: { readonly link: NodeLink; readonly frame: Frame }[] = []
  readonly lost: NodeLink[] = []
  readonly rooms: NodeLink[] = []
  readonly faults: unknown[] = []
  onFrame: (link: NodeLink, frame: Frame) => void = () => {}
  onLost: (link: NodeLink) => void = () => {}
  onRoom: (link: NodeLink) => void = () => {}
  readonly #network: Network
  readonly #name: string
  #mode: CarrierMode = 'works'
  #stopped: (() => void)[] = []

  constructor(network: Network, name: string, options: LinksOptions) {
    this.#network = network
    this.#name = name
    const observer = {
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
    this.links = new Links(name, options, this, observer, (error) => this.faults.push(error), Date.now)
  }

  set mode(mode: CarrierMode) {
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

/** Nodes in one process. SentEnvelope envelopes wait for {@link deliver}. Needs {@link fakeTime}. */
export class Network {
  readonly nodes = new Map<string, LinkNode>()
  readonly #queues = new Map<string, SentEnvelope[]>()
  /** Latest delivered envelopes, by direction. */
  readonly #delivered = new Map<string, Buffer[]>()
  readonly #options: LinksOptions

  constructor(options: Partial<LinksOptions> = {}) {
    this.#options = { ...LINKS_DEFAULTS, ...options }
  }

  add(name: string): LinkNode {
    const node = new LinkNode(this, name, this.#options)
    this.nodes.set(name, node)
    return node
  }

  queue(from: string, to: string): SentEnvelope[] {
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

  /** Delivers an earlier envelope again. */
  replay(from: string, to: string, index: number): void {
    const delivered = this.#delivered.get(`${from}>${to}`) ?? []
    const bytes = delivered[index % delivered.length]
    if (bytes !== undefined) this.nodes.get(to)?.links.receive(Buffer.from(bytes))
  }

  drop(from: string, to: string, count = Infinity): void {
    this.queue(from, to).splice(0, count)
  }

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

  /** Advances time, with sweeps of nodes that are awake; delivers nothing. */
  async pass(milliseconds: number, awake: Iterable<LinkNode> = this.nodes.values()): Promise<void> {
    const nodes = [...awake]
    for (let left = milliseconds; left > 0; left -= 250) {
      await vi.advanceTimersByTimeAsync(Math.min(250, left))
      for (const node of nodes) node.links.sweep()
      await tick()
    }
  }

  /** Advances time, and delivers everything at once. */
  async run(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 250) {
      await this.settle()
      await this.pass(Math.min(250, left))
    }
    await this.settle()
  }

  /** Delivers everything, including the answers, without advancing time. */
  async settle(): Promise<void> {
    do {
      this.deliverAll()
      await tick()
    } while ([...this.#queues.values()].some((queue) => queue.length > 0))
  }
}

export async function tick(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** Stops timers and clocks; tests advance them. */
export function fakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] })
}

export function grant(channel: number, bytes = 1): Frame {
  return { type: 'grant', channel, isOpener: true, bytes }
}

export function data(channel: number, size: number, fill = channel): Frame {
  return { type: 'data', channel, isOpener: true, bytes: Buffer.alloc(size, fill) }
}
