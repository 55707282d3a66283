import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { NodeLink } from '../../../src/cluster/backplane.js'
import { data, grant, type CarrierMode, Network, type LinkNode } from './network.js'

const WINDOW = 81_920
/** Some envelopes are large enough to be pooled. */
const CHUNK_MAX = 20_000
const NAMES = ['a', 'b'] as const
type Name = (typeof NAMES)[number]

export type Step =
  | { readonly do: 'send'; readonly from: Name; readonly count: number; readonly size: number }
  | { readonly do: 'deliver' | 'drop' | 'duplicate' | 'replay'; readonly from: Name; readonly count: number }
  | { readonly do: 'pass'; readonly milliseconds: number }
  | { readonly do: 'mode'; readonly from: Name; readonly mode: CarrierMode }
  | { readonly do: 'resume' | 'forget'; readonly from: Name }

const from = fc.constantFrom(...NAMES)
const count = fc.integer({ min: 1, max: 12 })
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('send' as const), from, count, size: fc.nat({ max: CHUNK_MAX }) })
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), from, count }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('drop' as const, 'duplicate' as const, 'replay' as const), from, count })
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 4_000 }) })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('mode' as const),
      from,
      mode: fc.constantFrom<CarrierMode>('works', 'works', 'unheard', 'away', 'stopped')
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('resume' as const, 'forget' as const), from }) }
)

/** Frames that one node sent, by link. */
class SentFrames {
  readonly node: LinkNode
  /** By link: its serial number and the number of frames sent. */
  readonly links = new Map<NodeLink, { readonly serial: number; sent: number }>()
  /** Links without room that have not reported room again. */
  readonly starved = new Set<NodeLink>()
  readonly #other: Name
  /** Returns the payload bytes that the other node received over a link. */
  readonly #taken: (serial: number) => number

  constructor(node: LinkNode, other: Name, taken: (serial: number) => number) {
    this.node = node
    this.#other = other
    this.#taken = taken
    node.onRoom = (link) => {
      assert(link.hasRoom)
      this.starved.delete(link)
    }
  }

  /** Payload bytes sent, by link. */
  readonly bytes = new Map<number, number>()

  send(times: number, size: number): void {
    const link = this.node.links.link(this.#other)
    assert(!link.isLost)
    const state = this.links.get(link) ?? { serial: this.links.size, sent: 0 }
    this.links.set(link, state)
    for (let time = 0; time < times; time++) {
      if (time % 3 === 2) link.send(grant(state.serial, state.sent++))
      else if (link.hasRoom) this.#sendChunk(link, state, size)
      else this.starved.add(link)
    }
  }

  #sendChunk(link: NodeLink, state: { serial: number; sent: number }, size: number): void {
    const bytes = Buffer.alloc(size + 4, state.sent)
    bytes.writeUInt32BE(state.sent++)
    link.send({ ...data(state.serial, 0), bytes } as ReturnType<typeof data>)
    const sum = (this.bytes.get(state.serial) ?? 0) + bytes.length
    this.bytes.set(state.serial, sum)
    assert(sum - this.#taken(state.serial) <= WINDOW + CHUNK_MAX + 4)
  }
}

/** Frames that one node received, by link of the sender. */
class ReceivedFrames {
  readonly node: LinkNode
  readonly links = new Map<NodeLink, { readonly serial: number; received: number }>()
  readonly bytes = new Map<number, number>()

  constructor(node: LinkNode) {
    this.node = node
    node.onFrame = (link, frame) => {
      if (frame.type !== 'data' && frame.type !== 'grant') throw new Error(`A ${frame.type} was not sent`)
      const state = this.links.get(link) ?? this.#begin(link, frame.channel)
      const index = frame.type === 'grant' ? frame.bytes : frame.bytes.readUInt32BE()
      // Exactly once, in order, and never mixed with those of another link.
      assert.deepEqual([frame.channel, index], [state.serial, state.received++])
      if (frame.type === 'grant') return
      assert(frame.bytes.subarray(4).equals(Buffer.alloc(frame.bytes.length - 4, index)))
      this.bytes.set(frame.channel, (this.bytes.get(frame.channel) ?? 0) + frame.bytes.length)
    }
  }

  #begin(link: NodeLink, serial: number): { serial: number; received: number } {
    for (const other of this.links.values()) assert.notEqual(other.serial, serial)
    const state = { serial, received: 0 }
    this.links.set(link, state)
    return state
  }
}

/** Asserts that nothing is missing in one direction once everything works again. */
function checkWay(sender: SentFrames, receiver: ReceivedFrames): void {
  const taken = new Map([...receiver.links].map(([link, state]) => [state.serial, { link, ...state }]))
  for (const [link, { serial, sent }] of sender.links) {
    const other = taken.get(serial)
    if (link.isLost) assert(other?.link.isLost ?? true)
    else {
      assert.equal(other?.received ?? 0, sent)
      assert(!(other?.link.isLost ?? false))
      assert.deepEqual([link.hasRoom, sender.starved.has(link)], [true, false])
    }
  }
  for (const node of [sender.node, receiver.node]) {
    assert.deepEqual(node.faults, [])
    assert.equal(new Set(node.lost).size, node.lost.length)
    assert(node.lost.every((link) => link.isLost))
    assert(node.links.stats.links.every(({ unacknowledged }) => unacknowledged === 0))
  }
}

/** Two nodes that send to each other. Checks the invariants at each step. */
export class Model {
  readonly network = new Network({ windowMax: WINDOW, windowShared: WINDOW, chunkMax: 0 })
  readonly senders: Record<Name, SentFrames>
  readonly receivers: Record<Name, ReceivedFrames>

  constructor() {
    const [a, b] = [this.network.add('a'), this.network.add('b')]
    this.receivers = { a: new ReceivedFrames(a), b: new ReceivedFrames(b) }
    this.senders = {
      a: new SentFrames(a, 'b', (serial) => this.receivers.b.bytes.get(serial) ?? 0),
      b: new SentFrames(b, 'a', (serial) => this.receivers.a.bytes.get(serial) ?? 0)
    }
    for (const { node } of Object.values(this.senders)) node.links.nodes(NAMES)
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        return this.senders[step.from].send(step.count, step.size)
      case 'replay':
        return this.network.replay(step.from, other(step.from), step.count)
      case 'deliver':
      case 'drop':
      case 'duplicate':
        return this.network[step.do](step.from, other(step.from), step.count)
      case 'pass':
        return this.network.pass(step.milliseconds)
      case 'mode':
        this.senders[step.from].node.mode = step.mode
        return undefined
      case 'resume':
        return this.senders[step.from].node.links.resume()
      case 'forget':
        this.senders[step.from].node.links.nodes([step.from])
        return this.senders[step.from].node.links.nodes(NAMES)
    }
  }

  /** Repairs everything, lets time pass until both sides know of lost links, and asserts that nothing is missing. */
  async heal(): Promise<void> {
    for (const { node } of Object.values(this.senders)) {
      node.mode = 'works'
      node.links.resume()
    }
    await this.network.run(12_000)
    checkWay(this.senders.a, this.receivers.b)
    checkWay(this.senders.b, this.receivers.a)
  }
}

function other(name: Name): Name {
  return name === 'a' ? 'b' : 'a'
}
