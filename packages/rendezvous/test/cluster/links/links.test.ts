import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { NodeLink } from '../../../src/cluster/backplane.js'
import type { Frame } from '../../../src/cluster/frames.js'
import { type Envelope, envelopeHeadSize, writeEnvelopeHead } from '../../../src/cluster/links/envelope.js'
import { frameSize, writeFrame } from '../../../src/cluster/links/frame-codec.js'
import type { LinksOptions } from '../../../src/cluster/links/links.js'
import { data, fakeTime, grant, Network, type LinkNode, tick } from './network.js'

const KIB = 1_024
const MIB = 1_048_576

interface Pair {
  readonly network: Network
  readonly a: LinkNode
  readonly b: LinkNode
}

function pair(options: Partial<LinksOptions> = {}): Pair {
  const network = new Network(options)
  const [a, b] = [network.add('a'), network.add('b')]
  for (const { links } of [a, b]) links.nodes(['a', 'b'])
  return { network, a, b }
}

/** Creates two nodes with a link that both know. */
async function linked(options: Partial<LinksOptions> = {}): Promise<Pair & { link: NodeLink; other: NodeLink }> {
  const nodes = pair(options)
  const link = nodes.a.links.link('b')
  link.send(grant(0))
  await nodes.network.run(50)
  const other = nodes.b.links.link('a')
  expect(nodes.b.frames).toEqual([{ link: other, frame: grant(0) }])
  nodes.b.frames.length = 0
  return { ...nodes, link, other }
}

function forged(head: Partial<Envelope>, frames: readonly Frame[] = []): Buffer {
  const whole: Envelope = { type: 'frames', source: 'x', from: 1, to: 0, sequence: 1, acknowledged: 0, ...head }
  let offset = envelopeHeadSize(whole.source)
  const bytes = Buffer.alloc(frames.reduce((sum, frame) => sum + frameSize(frame), offset))
  writeEnvelopeHead(bytes, whole)
  for (const frame of frames) offset = writeFrame(bytes, offset, frame)
  return bytes
}

function channels(node: LinkNode): number[] {
  return node.frames.map(({ frame }) => ('channel' in frame ? frame.channel : -1))
}

function types(heads: readonly Envelope[]): string[] {
  return heads.map(({ type }) => type)
}

beforeEach(fakeTime)
afterEach(() => {
  vi.useRealTimers()
})

describe('a sent frame', () => {
  test('shares one envelope with others of its tick, at the end of the tick', async () => {
    const { network, a, b } = pair()
    const link = a.links.link('b')
    for (let channel = 0; channel < 100; channel++) link.send(data(channel, 100))
    expect(network.queue('a', 'b')).toHaveLength(0)
    await tick()
    expect(network.heads('a', 'b')).toMatchObject([{ type: 'frames', sequence: 1, to: 0 }])
    await network.settle()
    expect(b.frames.map(({ frame }) => frame)).toEqual(Array.from({ length: 100 }, (_, channel) => data(channel, 100)))
  })

  test('is sent immediately at 64 KiB', async () => {
    const { network, a } = pair()
    const link = a.links.link('b')
    link.send(data(1, 64 * KIB))
    expect(network.queue('a', 'b')).toHaveLength(1)
    for (const _ of [1, 2]) link.send(data(1, 32 * KIB))
    expect(network.queue('a', 'b')).toHaveLength(2)
    await tick()
    expect(network.queue('a', 'b')).toHaveLength(2)
  })

  test('is acknowledged by an envelope in the other direction', async () => {
    const { network, link, other } = await linked()
    link.send(grant(1))
    await tick()
    network.deliver('a', 'b')
    other.send(grant(2))
    await tick()
    expect(network.heads('b', 'a')).toMatchObject([{ type: 'frames', acknowledged: 2 }])
    network.deliver('b', 'a')
    await vi.advanceTimersByTimeAsync(100)
    expect(network.heads('b', 'a')).toEqual([])
  })

  test('is acknowledged after a delay if nothing is sent in the other direction', async () => {
    const { network, a, link } = await linked()
    link.send(grant(1))
    await tick()
    network.deliver('a', 'b')
    await tick()
    expect(network.queue('b', 'a')).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(20)
    expect(network.heads('b', 'a')).toMatchObject([{ type: 'ack', acknowledged: 2 }])
    network.deliver('b', 'a')
    expect(a.links.stats.links).toMatchObject([{ node: 'b', unacknowledged: 0, window: 4 * MIB }])
  })

  test('is acknowledged at the end of the tick if it fills an eighth of the window', async () => {
    const { network, link } = await linked()
    for (let chunk = 0; chunk < 7; chunk++) link.send(data(1, 64 * KIB))
    network.deliver('a', 'b')
    await tick()
    expect(network.queue('b', 'a')).toHaveLength(0)
    link.send(data(1, 64 * KIB))
    network.deliver('a', 'b')
    await tick()
    expect(network.heads('b', 'a')).toMatchObject([{ type: 'ack', acknowledged: 9 }])
  })

  test('in both directions at the same time makes one link', async () => {
    const { network, a, b } = pair()
    const [link, other] = [a.links.link('b'), b.links.link('a')]
    link.send(grant(1))
    other.send(grant(2))
    await network.run(100)
    expect([channels(b), channels(a)]).toEqual([[1], [2]])
    link.send(grant(3))
    other.send(grant(4))
    await network.run(100)
    expect([channels(b), channels(a)]).toEqual([
      [1, 3],
      [2, 4]
    ])
    expect([a.frames[1]?.link, b.frames[1]?.link]).toEqual([link, other])
    expect([a.links.link('b'), b.links.link('a')]).toEqual([link, other])
    expect([a.lost, b.lost]).toEqual([[], []])
  })
})

describe('a lost envelope', () => {
  test('is requested and retransmitted once', async () => {
    const { network, a, b, link } = await linked()
    for (let channel = 1; channel <= 10; channel++) {
      link.send(grant(channel))
      await tick()
    }
    network.drop('a', 'b', 1)
    network.deliver('a', 'b')
    expect(network.heads('b', 'a')).toMatchObject([{ type: 'nack', acknowledged: 1 }])
    network.deliver('b', 'a')
    expect(network.heads('a', 'b').map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    await network.run(100)
    expect(channels(b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(a.links.stats).toMatchObject({ retransmits: 10, refused: {} })
    expect(b.links.stats.refused).toEqual({ gap: 9 })
  })

  test('is not retransmitted for each nack', async () => {
    const { network, a, link } = await linked()
    link.send(grant(1))
    await tick()
    const [{ from, to } = { from: 0, to: 0 }] = network.heads('a', 'b')
    const nack = () => forged({ type: 'nack', source: 'b', from: to, to: from, acknowledged: 1, sequence: 0 })
    for (let time = 0; time < 10; time++) a.links.receive(nack())
    expect(a.links.stats.retransmits).toBe(1)
    await vi.advanceTimersByTimeAsync(50)
    for (let time = 0; time < 10; time++) a.links.receive(nack())
    expect(a.links.stats.retransmits).toBe(2)
    await vi.advanceTimersByTimeAsync(50)
    a.links.receive(nack())
    expect(a.links.stats.retransmits).toBe(2)
  })

  test('may be the first', async () => {
    const { network, a, b } = pair()
    const link = a.links.link('b')
    link.send(grant(1))
    await tick()
    network.drop('a', 'b')
    link.send(grant(2))
    await network.run(200)
    expect(channels(b)).toEqual([1, 2])
    expect(a.lost).toEqual([])
  })

  test('may be the last, whatever is received from the other side', async () => {
    const { network, b, link, other } = await linked()
    link.send(grant(1))
    await tick()
    network.drop('a', 'b')
    for (let time = 0; time < 10; time++) {
      other.send(grant(2))
      await network.run(250)
    }
    expect(channels(b)).toEqual([1])
  })

  test('may be an acknowledgement', async () => {
    const { network, a, b, link } = await linked()
    link.send(grant(1))
    await tick()
    network.deliver('a', 'b')
    await vi.advanceTimersByTimeAsync(20)
    network.drop('b', 'a')
    await network.run(1_500)
    expect(a.links.stats).toMatchObject({ retransmits: 0, links: [{ unacknowledged: 0 }] })
    expect(channels(b)).toEqual([1])
  })

  test('is delivered once if it arrives twice, or late', async () => {
    const { network, b, link } = await linked()
    link.send(grant(1))
    await tick()
    network.duplicate('a', 'b', 1)
    await network.run(100)
    network.replay('a', 'b', 0)
    network.replay('a', 'b', 1)
    expect(channels(b)).toEqual([1])
    expect(b.links.stats.refused).toEqual({ duplicate: 3 })
    // A duplicate may mean that the acknowledgement was lost.
    await tick()
    expect(network.heads('b', 'a')).toMatchObject([{ type: 'ack', acknowledged: 2 }])
  })
})

describe('the window', () => {
  function fill(link: NodeLink, size = 64 * KIB): number {
    let count = 0
    for (; link.hasRoom; count++) link.send(data(1, size))
    return count
  }

  test('limits unacknowledged chunks; room is reported when half of it is free', async () => {
    const { network, a, b, link } = await linked()
    expect(fill(link)).toBe(64)
    expect(network.queue('a', 'b')).toHaveLength(64)
    network.deliver('a', 'b', 31)
    await tick()
    network.deliver('b', 'a')
    expect([link.hasRoom, a.rooms]).toEqual([false, []])
    network.deliver('a', 'b', 2)
    await vi.advanceTimersByTimeAsync(20)
    network.deliver('b', 'a')
    expect([link.hasRoom, a.rooms]).toEqual([true, [link]])
    await network.run(100)
    expect([b.frames.length, a.rooms.length]).toEqual([64, 1])
  })

  test('is shared by all other nodes', async () => {
    const { network, a, b, link } = await linked()
    const nodes = Array.from({ length: 13 }, (_, index) => `n${index}`)
    for (const { links } of [a, b]) links.nodes(['a', 'b', ...nodes.slice(2)])
    expect(a.links.stats.links).toMatchObject([{ window: MIB }])
    expect(fill(link)).toBe(16)
    for (const { links } of [a, b]) links.nodes(['a', 'b'])
    expect(a.links.stats.links).toMatchObject([{ window: 4 * MIB }])
    // This part of the window is free now.
    expect(a.rooms).toEqual([link])
    await network.run(100)
  })

  test('does not limit other frames, but they wait until the envelopes in flight are acknowledged', async () => {
    const { network, b, link } = await linked({ windowMax: 64 * KIB })
    fill(link)
    for (let channel = 0; channel < 100; channel++) {
      link.send({ type: 'probe', id: channel, key: `/${'k'.repeat(1000)}` })
      await tick()
    }
    expect(network.queue('a', 'b')).toHaveLength(1)
    await network.run(1_000)
    expect(b.frames).toHaveLength(101)
  })

  test('exceeded by eight megabytes of other frames loses the link, at both ends', async () => {
    const { network, a, b, link, other } = await linked({ windowMax: 64 * KIB })
    const frame: Frame = { type: 'probe', id: 1, key: `/${'k'.repeat(1000)}` }
    for (let sent = 0; sent < 8 * MIB; sent += frameSize(frame)) link.send(frame)
    expect(a.links.stats.links).toHaveLength(1)
    await tick()
    expect(a.lost).toEqual([])
    // Nothing is acknowledged meanwhile, so that the limit is exceeded.
    for (let more = 0; more < 100; more++) link.send(frame)
    await tick()
    expect([a.lost, link.isLost, link.hasRoom]).toEqual([[link], true, false])
    expect(a.links.stats.links).toEqual([])
    await network.settle()
    expect(b.lost).toEqual([other])
  })

  test('may be exceeded by one large chunk, and frames behind it', async () => {
    const { network, a, b, link } = await linked()
    link.send(data(1, 16 * MIB))
    for (let channel = 0; channel < 1000; channel++) link.send(grant(channel))
    await network.run(100)
    expect([a.lost, b.frames.length]).toEqual([[], 1001])
  })
})

describe('a node whose envelopes have no subscriber', () => {
  test('sends only probes, and everything once there is a subscriber', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'unheard'
    link.send(grant(1))
    await tick()
    expect(link.hasRoom).toBe(false)
    a.mode = 'works'
    link.send(grant(2))
    await tick()
    expect(network.queue('a', 'b')).toHaveLength(0)
    await network.pass(250)
    expect(types(network.heads('a', 'b'))).toEqual(['probe', 'frames', 'frames'])
    expect([link.hasRoom, a.rooms]).toEqual([true, [link]])
    await network.run(100)
    expect([channels(b), a.lost]).toEqual([[1, 2], []])
  })

  test('tries again immediately when it receives from the other', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'unheard'
    link.send(grant(1))
    await tick()
    a.mode = 'works'
    await vi.advanceTimersByTimeAsync(60)
    b.links.resume()
    await network.settle()
    expect(channels(b)).toEqual([1])
  })

  test('loses the link after three seconds', async () => {
    const { network, a, link } = await linked()
    a.mode = 'unheard'
    link.send(grant(1))
    await network.pass(2_900)
    expect(a.lost).toEqual([])
    await network.pass(500)
    expect([a.lost, link.isLost]).toEqual([[link], true])
    const next = a.links.link('b')
    expect([next === link, next.isLost]).toEqual([false, false])
  })

  test('does not count time in which the carrier did not answer', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'unheard'
    link.send(grant(1))
    await network.pass(500)
    a.mode = 'stopped'
    await network.pass(10_000)
    expect(a.lost).toEqual([])
    // The other node needs a moment to subscribe again.
    a.mode = 'unheard'
    await network.pass(1_000)
    expect(a.lost).toEqual([])
    a.mode = 'works'
    await network.pass(500)
    await network.run(100)
    expect(channels(b)).toEqual([1])
  })

  test('does not count time in which its own process was stopped', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'unheard'
    link.send(grant(1))
    await network.pass(500)
    await vi.advanceTimersByTimeAsync(20_000)
    a.links.sweep()
    expect(a.lost).toEqual([])
    a.mode = 'works'
    await network.run(500)
    expect(channels(b)).toEqual([1])
  })
})

describe('a carrier that rejects everything', () => {
  test('loses no link for a minute, and gets all unacknowledged envelopes when it works again', async () => {
    const { network, a, b, link } = await linked()
    link.send(grant(1))
    await tick()
    network.drop('a', 'b')
    a.mode = b.mode = 'away'
    for (const channel of [2, 3]) {
      link.send(grant(channel))
      await tick()
    }
    await network.pass(55_000)
    expect([a.lost, b.lost]).toEqual([[], []])
    a.mode = b.mode = 'works'
    a.links.resume()
    await network.settle()
    expect(channels(b)).toEqual([1, 2, 3])
    expect([link.hasRoom, a.faults]).toEqual([true, []])
  })

  test('loses links in use after a minute, and new ones work when it works again', async () => {
    const { network, a, b, link } = await linked()
    a.mode = b.mode = 'away'
    link.send(grant(1))
    await network.pass(59_000)
    expect(a.lost).toEqual([])
    await network.pass(2_000)
    expect([a.lost, link.isLost]).toEqual([[link], true])
    a.mode = b.mode = 'works'
    a.links.link('b').send(grant(2))
    await network.run(1_000)
    expect([channels(b), b.lost.length]).toEqual([[2], 1])
  })

  test('is tried again without being resumed', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'away'
    link.send(grant(1))
    await network.run(1_000)
    expect(channels(b)).toEqual([])
    a.mode = 'works'
    await network.run(250)
    expect(channels(b)).toEqual([1])
  })

  test('and never answers loses no link either', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'stopped'
    link.send(grant(1))
    await network.run(25_000)
    a.mode = 'works'
    await network.run(500)
    expect([channels(b), a.lost, b.lost]).toEqual([[1], [], []])
  })
})

describe('silence', () => {
  test('does not count while the carrier rejects everything', async () => {
    const { network, a, link } = await linked()
    link.send(grant(1))
    for (const mode of ['works', 'away', 'works'] as const) {
      a.mode = mode
      await network.pass(20_000, [a])
    }
    expect(a.lost).toEqual([])
  })

  test('of a link with unacknowledged envelopes is probed each second, for any time', async () => {
    const { network, a, b, link } = await linked()
    a.mode = 'away'
    link.send(grant(1))
    await network.pass(55_000, [a])
    a.mode = 'works'
    a.links.resume()
    await tick()
    network.drop('a', 'b')
    await network.pass(1_250, [a])
    await network.settle()
    expect(channels(b)).toEqual([1])
  })

  test('ends when the other side probes', async () => {
    const { network, a } = await linked()
    await network.pass(1_000, [a])
    network.deliver('a', 'b')
    await tick()
    expect(types(network.heads('b', 'a'))).toEqual(['ack'])
  })

  test('does not count while this process was stopped', async () => {
    const { network, a, link } = await linked()
    link.send(grant(1))
    await network.pass(20_000, [a])
    await vi.advanceTimersByTimeAsync(20_000)
    a.links.sweep()
    expect(a.lost).toEqual([])
    await network.pass(10_000, [a])
    expect(a.lost).toEqual([link])
  })

  test('of a link in use is probed each second, of an idle one each five seconds', async () => {
    const { network } = await linked()
    const probes = () => network.heads('a', 'b').filter(({ type }) => type === 'probe').length
    await network.pass(10_000)
    expect(probes()).toBe(10)
    await network.run(30_000)
    await network.pass(10_000)
    expect(probes()).toBe(2)
  })

  test('of a link that was never used is not probed', async () => {
    const { network, a } = pair()
    a.links.link('b')
    await network.pass(60_000)
    expect(network.queue('a', 'b')).toHaveLength(0)
    expect(a.lost).toEqual([])
  })

  test('of a process that was stopped for fifteen seconds loses no link', async () => {
    const { network, a, b, link } = await linked()
    for (let channel = 1; channel <= 5; channel++) {
      link.send(grant(channel))
      await network.pass(3_000, [a])
    }
    await network.run(1_000)
    expect([channels(b), a.lost, b.lost]).toEqual([[1, 2, 3, 4, 5], [], []])
    expect(a.links.stats.retransmits).toBe(0)
  })

  test('for more than thirty seconds loses the link, at both ends', async () => {
    const { network, a, b, link, other } = await linked()
    link.send(grant(1))
    await network.pass(30_000, [a])
    expect(a.lost).toEqual([])
    await network.pass(1_500, [a])
    expect(a.lost).toEqual([link])
    // The other side comes back: it receives the frame, and then `bye`.
    await network.run(1_000)
    expect([channels(b), b.lost]).toEqual([[1], [other]])
  })
})

describe('successive links', () => {
  test('if a bye is lost, the other side is told when it probes', async () => {
    const { network, a, b, link, other } = await linked()
    a.links.nodes(['a'])
    expect(a.lost).toEqual([link])
    network.drop('a', 'b')
    await network.run(1_500)
    expect([b.lost, b.links.link('a') === other]).toEqual([[other], false])
    expect(a.links.stats.refused).toEqual({ unknown: 1 })
  })

  test('a new link of one side ends the old one of the other', async () => {
    const { network, a, b, other } = await linked()
    a.links.nodes(['a'])
    network.drop('a', 'b')
    const next = a.links.link('b')
    next.send(grant(5))
    await network.run(100)
    expect(b.lost).toEqual([other])
    expect(b.frames).toEqual([{ link: b.links.link('a'), frame: grant(5) }])
    b.links.link('a').send(grant(6))
    await network.run(100)
    expect(a.frames).toEqual([{ link: next, frame: grant(6) }])
    expect(a.lost).toHaveLength(1)
  })

  test('late envelopes of an ended link are refused', async () => {
    const { network, a, b, link } = await linked()
    b.links.nodes(['b'])
    network.drop('b', 'a')
    network.replay('a', 'b', 0)
    expect([b.frames, b.lost.length]).toEqual([[], 1])
    await network.settle()
    expect(a.lost).toEqual([link])
  })

  test('an envelope of an older link is stale', async () => {
    const { network, a, b } = await linked()
    a.links.nodes(['a'])
    network.drop('a', 'b')
    a.links.link('b').send(grant(5))
    await network.settle()
    network.replay('a', 'b', 0)
    expect([channels(b), b.links.stats.refused]).toEqual([[5], { stale: 1 }])
  })

  test.each(['bye', 'reset'] as const)('a %s for another link is ignored', async (type) => {
    const { network, a, b, link, other } = await linked()
    link.send(grant(1))
    await tick()
    const [{ from, to } = { from: 0, to: 0 }] = network.heads('a', 'b')
    const zero = { type, source: 'a', sequence: 0 }
    for (const wrong of [to - 1, to + 1])
      b.links.receive(forged({ ...zero, from: type === 'bye' ? from : 0, to: wrong }))
    expect(b.lost).toEqual([])
    b.links.receive(forged({ ...zero, from: type === 'bye' ? from : 0, to }))
    expect(b.lost).toEqual([other])
    expect(a.lost).toEqual([])
  })

  test('a bye before anything else from the other side ends the link', async () => {
    const { network, a, b } = pair()
    a.links.link('b').send(grant(1))
    a.links.stop()
    await network.settle()
    expect([channels(b), b.lost.length]).toEqual([[1], 1])
  })

  test('a bye of another link does not end a new one', () => {
    const { b } = pair()
    const link = b.links.link('a')
    b.links.receive(forged({ type: 'bye', source: 'a', from: 5, sequence: 0 }))
    expect([link.isLost, b.lost]).toEqual([false, []])
  })

  test('envelopes of unknown links are answered, but not each of them', async () => {
    const { network, b } = pair()
    const stray = () => b.links.receive(forged({ to: 7, from: 9, sequence: 5 }, [grant(1)]))
    for (let time = 0; time < 10; time++) stray()
    await tick()
    expect(network.heads('b', 'x')).toEqual([
      { type: 'reset', source: 'b', from: 0, to: 9, sequence: 0, acknowledged: 0 }
    ])
    expect(b.links.stats).toMatchObject({ links: [], refused: { unknown: 10 } })
    b.links.sweep()
    stray()
    await tick()
    expect(network.queue('b', 'x')).toHaveLength(2)
  })
})

describe('the nodes of a star', () => {
  test('lose their links when they are gone', async () => {
    const { a, link } = await linked()
    const idle = a.links.link('c')
    a.links.nodes(['a', 'b', 'c'])
    expect(a.lost).toEqual([])
    a.links.nodes(['a', 'c'])
    expect([a.lost, idle.isLost]).toEqual([[link], false])
    a.links.nodes(['a'])
    expect(idle.isLost).toBe(true)
  })

  test('keep their links for a while before they get a lease', async () => {
    const { network, a } = pair()
    const c = network.add('c')
    c.links.link('a').send(grant(1))
    await network.settle()
    a.links.nodes(['a', 'b'])
    expect(a.lost).toEqual([])
    a.links.nodes(['a', 'b'])
    expect(a.lost).toHaveLength(1)
    await network.settle()
    expect(c.lost).toHaveLength(1)
  })
})

describe('an invalid envelope', () => {
  test('is counted and never throws', () => {
    const { a } = pair()
    const head = forged({ source: 'b' }, [grant(1)])
    fc.assert(
      fc.property(fc.nat({ max: head.length }), fc.uint8Array({ maxLength: 60 }), (kept, tail) => {
        a.links.receive(Buffer.concat([head.subarray(0, kept), tail]))
      }),
      { numRuns: 1_000 }
    )
    expect(a.faults).toEqual([])
    const { refused } = a.links.stats
    expect(Object.keys(refused)).toEqual(expect.arrayContaining(['version', 'malformed']))
  })

  test('with an acknowledgement of unsent envelopes changes nothing', async () => {
    const { network, a, b, link } = await linked()
    link.send(grant(1))
    await tick()
    const [{ from, to } = { from: 0, to: 0 }] = network.heads('a', 'b')
    const beyond = { source: 'b', from: to, to: from, acknowledged: 3 }
    a.links.receive(forged({ ...beyond, type: 'ack', sequence: 0 }))
    a.links.receive(forged({ ...beyond, sequence: 1 }, [grant(9)]))
    expect(a.links.stats.refused).toEqual({ acknowledgement: 2 })
    expect([a.frames, a.links.stats.links[0]?.unacknowledged !== 0]).toEqual([[], true])
    await network.run(100)
    expect([channels(b), a.lost]).toEqual([[1], []])
  })

  test('that names this node as its source is refused', () => {
    const { a } = pair()
    a.links.receive(forged({ source: 'a' }, [grant(1)]))
    expect(a.links.stats).toMatchObject({ links: [], refused: { source: 1 } })
  })

  test('with malformed frames ends the link: it would be retransmitted for ever', async () => {
    const { network, a, b, link, other } = await linked()
    link.send(grant(1))
    await tick()
    const [head] = network.heads('a', 'b')
    network.drop('a', 'b')
    b.links.receive(Buffer.concat([forged({ ...head }), Buffer.from([0])]))
    expect([b.lost, b.frames, b.links.stats.refused]).toEqual([[other], [], { malformed: 1 }])
    await network.settle()
    expect(a.lost).toEqual([link])
  })

  test('does not create links without limit, except for nodes with a lease', async () => {
    const { a, b, network } = pair()
    for (let index = 0; index < 1_100; index++) a.links.receive(forged({ source: `x${index}` }, [grant(1)]))
    expect(a.links.stats).toMatchObject({ refused: { links: 76 } })
    expect(a.links.stats.links).toHaveLength(1_024)
    b.links.link('a').send(grant(7))
    await network.settle()
    expect(channels(a).at(-1)).toBe(7)
    for (const _ of [1, 2]) a.links.nodes(['a', 'b'])
    expect(a.links.stats.links).toMatchObject([{ node: 'b' }])
  })
})

describe('a fault of the node itself', () => {
  test('in its observer stops nothing', async () => {
    const { network, a, b, link } = await linked()
    b.onFrame = (_, frame) => {
      if (frame.type === 'grant' && frame.channel === 1) throw new Error('observer')
    }
    b.onLost = () => {
      throw new Error('lost')
    }
    for (const channel of [1, 2]) link.send(grant(channel))
    await network.run(100)
    expect(channels(b)).toEqual([1, 2])
    a.links.stop()
    await network.settle()
    expect(b.faults).toEqual([new Error('observer'), new Error('lost')])
    expect(b.links.stats.links).toEqual([])
  })

  test('in a frame drops the frame', async () => {
    const { network, a, b, link } = await linked()
    link.send(grant(-1))
    link.send(grant(1))
    await network.run(100)
    expect([channels(b), a.faults]).toEqual([[1], [expect.any(RangeError)]])
  })

  test('in a chunk loses the link: a stream would lack a chunk', async () => {
    const { network, a, b, link, other } = await linked()
    link.send(data(1, 100))
    link.send(data(1, 2 ** 24 + 1))
    link.send(data(1, 100))
    expect(a.lost).toEqual([])
    await network.settle()
    expect([a.lost, b.lost, a.faults]).toEqual([[link], [other], [expect.any(RangeError)]])
    expect(b.frames.length).toBeLessThan(2)
  })

  test('that loses a link while its frames are delivered stops their delivery', async () => {
    const { network, b, link } = await linked()
    b.onFrame = () => b.links.nodes(['b'])
    for (const channel of [1, 2]) link.send(grant(channel))
    await network.settle()
    expect(channels(b)).toEqual([1])
  })

  test('in its id is refused', () => {
    expect(() => new Network().add('a b')).toThrow(TypeError)
  })
})

describe('a node that stops', () => {
  test('sends gathered frames and a bye before it returns, and gets no more events', async () => {
    const { network, a, b, link, other } = await linked()
    link.send(grant(1))
    a.links.stop()
    expect(types(network.heads('a', 'b'))).toEqual(['frames', 'bye'])
    other.send(grant(2))
    await network.run(100)
    expect([channels(b), b.lost]).toEqual([[1], [other]])
    expect([a.lost, a.frames, link.isLost, a.links.link('b').isLost]).toEqual([[], [], true, true])
    expect(a.links.stats.links).toEqual([])
  })

  test('receives nothing more if it stops while a link is lost', async () => {
    const { network, a, b } = await linked()
    b.onLost = () => b.links.stop()
    a.links.nodes(['a'])
    network.drop('a', 'b')
    a.links.link('b').send(grant(1))
    await network.settle()
    expect([b.lost.length, b.frames]).toEqual([1, []])
  })

  test('leaves no timer behind, even if it stops in an event', async () => {
    const { network, b, link } = await linked()
    b.onFrame = () => b.links.stop()
    link.send(grant(1))
    await tick()
    network.deliver('a', 'b')
    await tick()
    expect(vi.getTimerCount()).toBe(0)
    expect(types(network.heads('b', 'a'))).toEqual(['bye'])
  })
})
