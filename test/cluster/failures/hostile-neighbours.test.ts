import { randomBytes } from 'node:crypto'
import { eventually } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import { expect, onTestFinished, test } from 'vitest'
import { createIdentity } from '../../support/raw-identity.js'
import { joinSocket } from '../../support/socket.js'
import { accepting, failure, joinClient } from '../../support/star-client.js'
import type { StarProcess } from '../../support/star-process.js'
import { Load } from '../load.js'
import { connectParties, joinParty } from '../parties.js'
import {
  countFrame,
  dataFrame,
  endFrame,
  envelope,
  openedFrame,
  openFrame,
  probeFrame,
  Publisher,
  type EnvelopeHead
} from './envelopes.js'
import { Observation } from './observation.js'
import { LONG_TTL, expectNoResets, PATIENCE, ProcessStar, startNode, startRedis, tallyOf } from './process-star.js'
import { allReachAll, Resident, untilAllKnown } from './residents.js'

/**
 * Somebody who may write to Redis, and is no node or an older one, must not disturb a node's own clients, nor the streams
 * between nodes. That he can take peers away from their nodes cannot be helped.
 */

const REFUSED = 'rendezvous_cluster_refused_total'
/** Bytes of memory that a node may take. */
const NODE_MAX = 300_000_000
/** Milliseconds: so that streams are under way all the time. */
const PIECE_PAUSE = 5

interface Scene {
  redis: RedisServer
  star: ProcessStar
  /** Whose inbox is attacked, and its id. */
  victim: StarProcess
  id: string
  publisher: Publisher
  residents: Resident[]
  /** Nobody has noticed anything. @param resets - streams of the attacker's own that ended at the victim, by reason */
  unharmed(resets?: Readonly<Record<string, number>>): Promise<void>
}

async function open(): Promise<Scene> {
  const redis = await startRedis()
  const star = await ProcessStar.start(redis, LONG_TTL)
  const [victim, other] = star.pair
  const residents = await Resident.joinEach([victim, victim, other])
  await untilAllKnown(residents)
  const id = (await star.registry()).get((residents[0] as Resident).id) ?? ''
  const publisher = await Publisher.open(redis, id)
  const observation = new Observation(redis, star.nodes)
  let isOver = false
  const pause = (): Promise<void> | undefined =>
    isOver ? undefined : new Promise((resolve) => setTimeout(resolve, PIECE_PAUSE))
  // one goes within the victim, one between the nodes
  const loads = await Promise.all(
    [victim, other].map(async (node) => {
      const { near, far } = await connectParties(await joinParty('client', node), await joinParty('client', victim))
      return new Load(near, far, { bytes: 30_000_000, pause })
    })
  )
  await Promise.all(loads.map((load) => load.reached(1)))

  const unharmed = async (resets = {}): Promise<void> => {
    isOver = true
    await Promise.all(loads.map(({ done }) => done))
    await allReachAll(residents)
    await expectNoResets([other])
    expect(await tallyOf(victim, 'rendezvous_stream_resets_total')).toEqual(resets)
    expect(residents.flatMap(({ left }) => left)).toEqual([])
    expect(residents.map(({ client }) => client.servers[0]?.state)).toEqual(residents.map(() => 'joined'))
    const peaks = await observation.peaks('hostile neighbours')
    expect(Math.max(...peaks.nodes)).toBeLessThan(NODE_MAX)
  }
  return { redis, star, victim, id, publisher, residents, unharmed }
}

/** One who says to be a node, and sends envelopes of one link in order. */
class Impostor {
  readonly #publisher: Publisher
  readonly #head: EnvelopeHead
  #sequence = 0

  constructor(publisher: Publisher, source: string) {
    this.#publisher = publisher
    this.#head = { source, from: Date.now() }
  }

  async send(...frames: readonly Buffer[]): Promise<void> {
    await this.#publisher.publish(this.next(...frames))
  }

  next(...frames: readonly Buffer[]): Buffer {
    return envelope({ ...this.#head, sequence: ++this.#sequence }, ...frames)
  }
}

test(
  'garbage, other versions and what belongs to no link is refused, and counted',
  async () => {
    const { victim, id, publisher, unharmed } = await open()
    const source = 'impostor'
    const good = probeFrame(1, '/x')
    await publisher.publish(Buffer.from('hello'), Buffer.alloc(0), Buffer.alloc(4), randomBytes(100_000).fill(0, 0, 1))
    await publisher.publish(envelope({ source, version: 1 }, good), envelope({ source, version: 3 }, good))
    await publisher.publish(envelope({ source: id }, good), envelope({ source: 'no node' }, good))
    await publisher.publish(
      envelope({ source }),
      envelope({ source, type: 'ack' }),
      envelope({ source, sequence: 0 }, good)
    )
    await publisher.publish(envelope({ source, to: 17 }, good), envelope({ source, acknowledged: 3, to: 1 }, good))
    await publisher.publish(envelope({ source, sequence: 5 }, good))
    await publisher.publish(envelope({ source: 'other' }, Buffer.from([0xff, 0, 0])))
    await eventually('all to be counted', async () => (await tallyOf(victim, REFUSED))['gap'] === 1)
    expect(await tallyOf(victim, REFUSED)).toEqual({ version: 6, source: 2, malformed: 4, unknown: 2, gap: 1 })
    await unharmed()
  },
  PATIENCE
)

test(
  'dials with bad addresses, and frames of dials that are not known, are refused or dropped',
  async () => {
    const { victim, publisher, residents, unharmed } = await open()
    const [resident] = residents as [Resident]
    const impostor = new Impostor(publisher, 'impostor')
    const to = `${victim.multiaddr}/p2p/${resident.id}`
    await impostor.send(
      openFrame(1, 'a', 'nonsense', to),
      openFrame(2, 'b', to, '/ip4/1.2.3.4'),
      openFrame(3, 'c', to, 'x')
    )
    // from oneself, which is taken, and over a channel that is
    await impostor.send(openFrame(4, 'd', to, to), openFrame(4, 'e', to, to))
    await impostor.send(dataFrame(99, Buffer.alloc(1_000)), countFrame('credit', 98, 5), countFrame('grant', 97, 5))
    await impostor.send(endFrame(96), openedFrame(95))
    await eventually('frames to be dropped', async () => {
      const dropped = await tallyOf(victim, 'rendezvous_dropped_total')
      return (dropped['unknown stream'] ?? 0) >= 5
    })
    // an envelope with a frame that no node writes ends the link
    await impostor.send(openFrame(5, 'not a dial id', to, to))
    await eventually('it to be refused', async () => (await tallyOf(victim, REFUSED))['malformed'] === 1)
    await untilDials(victim, 1)
    await unharmed({ 'node lost': 1 })
  },
  PATIENCE
)

test(
  'more than the window allows ends the stream, and that alone',
  async () => {
    const { victim, publisher, unharmed } = await open()
    const target = await joinClient(victim.url)
    // it takes the dial, and then reads nothing
    const accepted = accepting(target)
    const impostor = new Impostor(publisher, 'impostor')
    const from = `${victim.multiaddr}/p2p/${(await createIdentity()).id}`
    await impostor.send(openFrame(1, 'a', from, `${victim.multiaddr}/p2p/${target.peerId}`))
    const connection = await accepted.next()
    await untilDials(victim, 2)
    const pieces = Array.from({ length: 100 }, () => dataFrame(1, Buffer.alloc(65_536)))
    for (const piece of pieces) await impostor.send(piece)
    const end = await failure(connection.closed)
    expect(end.message).toContain('More was sent than the window allows')
    await untilDials(victim, 1)
    await unharmed({ 'window exceeded': 1 })
  },
  PATIENCE
)

test(
  'floods take neither the memory of a node nor its time for others',
  async () => {
    const { victim, publisher, residents, unharmed } = await open()
    const [resident] = residents as [Resident]
    const target = await Resident.join(victim)
    const to = `${victim.multiaddr}/p2p/${target.id}`
    const unknown = `${victim.multiaddr}/p2p/${(await createIdentity()).id}`
    const inOrder = (count: number, frame: (turn: number) => Buffer) => () => {
      const impostor = new Impostor(publisher, `impostor-${count}`)
      return times(count, (turn) => impostor.next(frame(turn)))
    }
    const floods: Record<string, () => Buffer[]> = {
      probes: inOrder(5_000, (turn) => probeFrame(turn, resident.id)),
      'dials of nobody': inOrder(4_000, (turn) => openFrame(turn, `n${turn}`, to, unknown)),
      'dials of one': inOrder(3_000, (turn) => openFrame(turn, `o${turn}`, unknown, to)),
      'large garbage': () => times(600, () => envelope({ source: 'older', version: 1 }, Buffer.alloc(65_536))),
      'small garbage': () => times(20_000, () => Buffer.from('garbage')),
      'many nodes': () => times(3_000, (turn) => envelope({ source: `node-${turn}` }, probeFrame(turn, resident.id))),
      'links that are not known': () =>
        times(5_000, (turn) => envelope({ source: `lost-${turn}`, to: 17 }, probeFrame(turn, resident.id)))
    }
    for (const flood of Object.values(floods)) {
      await publisher.publish(...flood())
      await resident.reach(residents[1] as Resident)
    }
    await eventually('all links of nobody to be lost', async () => {
      const links = [...(await victim.metrics()).keys()].filter((name) =>
        name.startsWith('rendezvous_cluster_link_window_bytes{')
      )
      return links.length === 1
    })
    await untilDials(victim, 1)
    // who was dialled can be dialled again
    await resident.reach(target)
    const { version, unknown: ofNoLink, links } = await tallyOf(victim, REFUSED)
    expect(version).toBe(20_600)
    expect(ofNoLink).toBeGreaterThanOrEqual(5_000)
    expect(links).toBeGreaterThanOrEqual(1_900)
    await unharmed({ 'node lost': expect.any(Number) as number })
  },
  PATIENCE
)

test(
  'records and changes that somebody has written by hand are passed over, and counted',
  async () => {
    const { redis, star, victim, residents, unharmed } = await open()
    const key = (await createIdentity()).id
    const records = [
      [key, 'nonsense'],
      ['no key', 'node|5|/ip4/1.2.3.4'],
      [`${key}a`, `no node|5|/ip4/1.2.3.4`],
      [`${key}b`, `node|0|/ip4/1.2.3.4`],
      [`${key}c`, `node|5|nonsense`],
      [`${key}d`, `node|99999999999999999999|/ip4/1.2.3.4`]
    ]
    await redis.cli('HSET', 'ws{star}:reg', ...records.flat())
    // a dial of one asks for its record
    const asker = await joinSocket(victim, 'asker')
    onTestFinished(() => asker[Symbol.asyncDispose]())
    const dial = asker.dial(`${victim.multiaddr}/ipfs/${key}`, 'a')
    await expect(dial).rejects.toThrow('Peer not found')
    await eventually('it to be counted', async () => (await tallyOf(victim, REFUSED))['record'] === 1)
    // a new node reads all
    const flags = [`--cluster-lease-ttl=${LONG_TTL}`]
    const late = await startNode({ redis: redis.url, flags })
    expect((await tallyOf(late, REFUSED))['record']).toBe(records.length)
    const lines = ['garbage', '+x', `+${key}\tnode|5`, `-${key}\tnode|x`, 'x no node', '', `+${key}\t${'|'.repeat(3)}`]
    for (const line of lines) await redis.cli('XADD', 'ws{star}:feed', '*', 'c', line)
    await redis.cli('XADD', 'ws{star}:feed', '*', 'odd', 'field')
    const newcomer = await Resident.join(victim)
    await untilAllKnown([...residents, newcomer])
    await redis.cli('DEL', 'ws{star}:feed')
    const another = await Resident.join(victim)
    await untilAllKnown([...residents, newcomer, another])
    await redis.cli('HDEL', 'ws{star}:reg', ...records.map(([name = '']) => name))
    await star.untilPeers(residents.length + 3 + 4, [...star.nodes, late])
    await allReachAll([...residents, newcomer, another])
    await unharmed()
  },
  PATIENCE
)

async function untilDials(node: StarProcess, count: number): Promise<void> {
  await eventually(`${count} dials`, async () => (await node.metric('rendezvous_cluster_dials')) === count)
}

function times<T>(count: number, make: (turn: number) => T): T[] {
  return Array.from({ length: count }, (_, turn) => make(turn))
}
