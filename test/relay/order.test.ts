import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { openDial, type RawConnection, type RawOptions, type RawPeer } from '@websocket-star/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digest, openOneWay, Pump } from '../support/raw-flow.js'
import { openStar } from '../support/raw-star.js'

/** Small marks, so that senders are paused again and again. */
const relay = { highWaterMark: 50_000, pauseTimeout: 60_000, stallTimeout: 60_000 }

const ends: RawOptions[] = [
  { eio: '3' },
  { eio: '4' },
  { eio: '3', base64: true },
  { eio: '4', base64: true },
  { eio: '3', transport: 'polling' },
  { eio: '4', transport: 'polling' },
  { eio: '3', transport: 'upgrading' },
  { eio: '4', transport: 'upgrading' }
]

/** The sizes around which something changes: of WebSocket heads, of what is copied, of what a message may be in base64. */
const edges = [0, 1, 121, 125, 126, 127, 1_023, 1_024, 1_025, 65_534, 65_535, 65_536, 131_000]

const size = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...edges) },
  { weight: 2, arbitrary: fc.nat({ max: 300 }) },
  { weight: 1, arbitrary: fc.nat({ max: 200_000 }) }
)

/** What one of two peers does next; `dial` says on which of their dials. */
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      what: fc.constant('send' as const),
      side: fc.boolean(),
      dial: fc.nat({ max: 2 }),
      sizes: fc.array(size, { minLength: 1, maxLength: 8 })
    })
  },
  // More than the kernels take for a peer that does not read.
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('flood' as const), side: fc.boolean(), dial: fc.nat({ max: 2 }) })
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('stop reading' as const), side: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('read' as const), side: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('turn' as const), side: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('upgrade' as const), side: fc.boolean() }) }
)

const conversation = fc.record({
  ends: fc.tuple(fc.constantFrom(...ends), fc.constantFrom(...ends)),
  steps: fc.array(step, { minLength: 5, maxLength: 40 })
})

/** One way of one dial: what was sent, to be compared with what came. */
interface Way {
  from: RawConnection
  to: RawConnection
  sent: Buffer[]
}

test('whatever two peers send each other comes complete and in order, however they are connected', async () => {
  const star = await openStar({ relay })
  let holds = 0
  await fc.assert(
    fc.asyncProperty(conversation, async ({ ends, steps }) => {
      const peers = [await star.join(ends[0]), await star.join(ends[1])] as const
      const ways: [Way[], Way[]] = [[], []]
      for (let i = 0; i < 3; i++) {
        const { near, far } = await openDial(peers[0], peers[1])
        ways[0].push({ from: near, to: far, sent: [] })
        ways[1].push({ from: far, to: near, sent: [] })
      }
      const upgrades = new Map<RawPeer, Promise<void>>()
      for (const step of steps) {
        const side = step.side ? 1 : 0
        const peer = peers[side]
        if (step.what === 'turn') await turn()
        else if (step.what === 'stop reading' && peer.isOverWebSocket) peer.tcp.pause()
        else if (step.what === 'read' && peer.isOverWebSocket) peer.tcp.resume()
        else if (step.what === 'upgrade' && ends[side].transport === 'upgrading' && !upgrades.has(peer)) {
          upgrades.set(peer, peer.upgrade())
        } else if (step.what === 'send' || step.what === 'flood') {
          const sizes = step.what === 'send' ? step.sizes : Array.from({ length: 40 }, () => 131_000)
          const way = ways[side][step.dial]
          const chunks = sizes.map((length) => randomBytes(length))
          way?.sent.push(...chunks)
          // What is posted at once may be no larger than a message.
          if (peer.isOverWebSocket) way?.from.write(...chunks)
          else for (const chunk of chunks) way?.from.write(chunk)
        }
      }
      for (const peer of peers) if (peer.isOverWebSocket) peer.tcp.resume()
      await Promise.all(upgrades.values())
      holds = star.server.stats().paused.receiver ?? 0
      for (const way of ways.flat()) way.from.end(true)
      for (const { to, sent } of ways.flat()) {
        expect(await to.ended()).toEqual([true])
        expect(to.chunks.map((chunk) => chunk.length)).toEqual(sent.map((chunk) => chunk.length))
        expect(digest(to.chunks)).toBe(digest(sent))
      }
      await Promise.all(peers.map(async (peer) => await peer.leave()))
      await star.counted('nothing left', (stats) => stats.sessions + stats.streams + stats.pausedSenders === 0)
    }),
    { numRuns: 40, interruptAfterTimeLimit: 12_000, endOnFailure: true }
  )
  expect(holds).toBeGreaterThan(0)
})

test.for(
  ends.flatMap((from) =>
    ends.filter((to) => from.transport === 'upgrading' || to.transport === 'upgrading').map((to) => ({ from, to }))
  )
)('an upgrade in the middle of a transfer loses nothing, $from to $to', async ({ from, to }) => {
  const star = await openStar({ relay })
  const [dialer, listener] = [await star.join(from), await star.join(to)]
  const { near, far } = await openDial(dialer, listener)
  const sent = Array.from({ length: 120 }, (_, index) => randomBytes(edges[index % 9] ?? 0))
  const upgrades = [dialer, listener].filter((_, side) => [from, to][side]?.transport === 'upgrading')
  for (const [index, chunk] of sent.entries()) {
    near.write(chunk)
    if (index === 30) void Promise.all(upgrades.map(async (peer) => await peer.upgrade()))
    if (index % 5 === 0) await far.received(Math.max(0, index - 25))
  }
  await far.received(sent.length)
  expect(digest(far.chunks)).toBe(digest(sent))
  for (const peer of upgrades) await peer.until('the upgrade', () => (peer.isOverWebSocket ? true : undefined))
  near.write(Buffer.from('after'))
  expect((await far.received(sent.length + 1)).at(-1)?.toString()).toBe('after')
})

test.for([
  ['3', 1_048_575],
  ['4', 1_048_576]
] as const)('the largest message of all is relayed, among small ones, EIO%s', async ([eio, largest]) => {
  const star = await openStar()
  const [dialer, listener] = [await star.join({ eio }), await star.join({ eio })]
  const { near, far } = await openDial(dialer, listener)
  const sent = [1, largest, 0, largest, 1_024].map((length) => randomBytes(length))
  near.write(...sent)
  await far.received(sent.length)
  expect(digest(far.chunks)).toBe(digest(sent))
})

test('many streams at once, of several receivers that read by turns, each in order', async () => {
  const star = await openStar({ relay: { ...relay, highWaterMark: 200_000 } })
  const listeners = [await star.join(), await star.join({ eio: '4' }), await star.join({ eio: '4', base64: true })]
  const dialers = [await star.join(), await star.join({ eio: '4' })]
  const runs: { pump: Pump; far: RawConnection }[] = []
  for (const [index, dialer] of dialers.flatMap((dialer) => [dialer, dialer]).entries()) {
    for (const listener of listeners) {
      const { near, far } = await openOneWay(dialer, listener)
      runs.push({ pump: new Pump(near, 7_000 + 1_000 * index), far })
    }
  }
  for (const listener of listeners) {
    listener.tcp.pause()
    await star.counted('paused senders', ({ pausedSenders }) => pausedSenders === 2)
    listener.tcp.resume()
    await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
  }
  for (const { pump } of runs) await pump.stop()
  for (const { pump, far } of runs) {
    await far.received(pump.chunks)
    expect(digest(far.chunks)).toBe(pump.digest)
  }
  expect(star.server.stats().reset).toEqual({})
})

test.for(['3', '4'] as const)('messages in fragments of any size are whole again, headers too, EIO%s', async (eio) => {
  const star = await openStar()
  const [dialer, listener] = [await star.join({ eio }), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  const header = `451-["socket.io-pull-stream.queue.${near.sends}",{"_placeholder":true,"num":0}]`
  const sent: Buffer[] = []
  for (const [length, piece] of [
    [1_000_000, 131_000],
    [262_144, 131_000],
    [131_000, 131_000],
    [300, 1],
    [1, 1]
  ] as const) {
    const chunk = randomBytes(length)
    sent.push(chunk)
    dialer.webSocket.sendFragmented(header, piece)
    dialer.webSocket.ping()
    dialer.webSocket.sendFragmented(dialer.binary(chunk), piece)
  }
  await far.received(sent.length)
  expect(digest(far.chunks)).toBe(digest(sent))
})
