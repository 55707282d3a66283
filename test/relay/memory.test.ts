import { openDial, type RawConnection } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { openOneWay, Pump } from '../support/raw-flow.js'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const MARK = 262_144
/** What may come of one sender before it is paused: what was read with the last chunk. */
const SLACK = 200_000
/** What the two kernels between a server and a peer that does not read take, at most. */
const KERNEL = 40_000_000
const MUCH = 100_000_000

test('100 MB for a stream that was never accepted: it is reset, and nothing is kept', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, victim] = [await star.join(), await star.join()]
  const [near, far] = await Promise.all([attacker.dial(victim.address), victim.answer(null)])
  const pump = new Pump(near, 500_000, MUCH)
  const reason = ['Data was sent before the stream was accepted']
  expect(await Promise.all([near.stopped(), near.ended(), far.ended(), far.stopped()])).toEqual([
    reason,
    reason,
    reason,
    reason
  ])
  await pump.done
  await star.counted('the rest', ({ dropped }) => dropped['unknown stream'] === pump.chunks - 1)
  expect(star.server.stats()).toMatchObject({ bufferedBytes: 0, relayed: { chunks: 0 }, pausedSenders: 0, streams: 2 })
  far.accept()
  await victim.settle()
  expect(far.chunks).toEqual([])
  await pair.check()
})

test('3,000 chunks, then the accept: nothing was kept of them', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, victim] = [await star.join(), await star.join()]
  const [near, far] = await Promise.all([attacker.dial(victim.address), victim.answer(null)])
  near.write(...Array.from({ length: 3000 }, () => Buffer.alloc(100)))
  far.accept()
  expect(await near.stopped()).toEqual(['Data was sent before the stream was accepted'])
  await Promise.all([attacker.settle(), victim.settle()])
  expect(far.chunks).toEqual([])
  expect(star.server.stats()).toMatchObject({ reset: { 'data before accept': 1 }, relayed: { chunks: 0 } })
  await pair.check()
})

test('100 MB from each of five for one that stopped reading: they are paused, and little is kept', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK, pauseTimeout: 60_000, stallTimeout: 60_000 } })
  const pair = await wellBehavedPair(star)
  const stopped = await star.join()
  const nears: RawConnection[] = []
  for (let i = 0; i < 5; i++) nears.push((await openOneWay(await star.join(), stopped)).near)
  stopped.tcp.pause()
  const pumps = nears.map((near) => new Pump(near, 60_000, MUCH))
  const { bufferedBytes, relayed } = await star.counted(
    'five paused senders',
    ({ pausedSenders }) => pausedSenders === 5
  )
  expect(bufferedBytes).toBeLessThan(MARK + 5 * SLACK)
  expect(relayed.bytes).toBeLessThan(KERNEL)
  await pair.check()
  expect(star.server.stats()).toMatchObject({ pausedSenders: 5, paused: { receiver: 5 } })
  expect(star.server.stats().bufferedBytes).toBe(bufferedBytes)
  stopped.wire.close()
  await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
  await Promise.all(pumps.map(async (pump) => await pump.stop()))
  await pair.check()
})

test('100 MB for a dialer that has gone: it is dropped and counted, and the callee was told', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, callee)
  far.write(Buffer.alloc(10))
  await near.received(1)
  dialer.wire.close()
  expect(await Promise.all([far.ended(), far.stopped()])).toEqual([[true], [true]])
  const pump = new Pump(far, 500_000, MUCH)
  await pump.done
  await star.counted('all of it', ({ dropped }) => dropped['unknown stream'] === pump.chunks)
  expect(star.server.stats()).toMatchObject({ bufferedBytes: 0, pausedSenders: 0, relayed: { chunks: 1 } })
  const again = await openDial(callee, pair.listener)
  await relay(again.near, again.far)
})

test('empty chunks without end for a stopped receiver are no way around', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK, pauseTimeout: 60_000, stallTimeout: 60_000 } })
  const [attacker, stopped, filler] = [await star.join(), await star.join(), await star.join()]
  const filling = await openOneWay(filler, stopped)
  const { near } = await openOneWay(attacker, stopped, 0)
  stopped.tcp.pause()
  const pump = new Pump(filling.near, 60_000)
  await star.counted('a paused sender', ({ paused }) => paused.receiver === 1)
  for (let i = 0; i < 20; i++) near.write(...Array.from({ length: 1000 }, () => Buffer.alloc(0)))
  await star.counted('both paused', ({ pausedSenders }) => pausedSenders === 2)
  expect(star.server.stats().bufferedBytes).toBeLessThan(MARK + 2 * SLACK)
  stopped.wire.close()
  await pump.stop()
})

test('a client that asks and asks and never reads the answers is dropped like any other', async () => {
  const star = await openStar({ relay: { stallTimeout: 500, maxBufferedBytes: 8_000_000 } })
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  attacker.tcp.pause()
  const answered = `40/${'x'.repeat(60_000)},`
  let asked = 0
  while (asked < 800 && !attacker.isClosed) {
    attacker.send(answered)
    asked++
    await new Promise((resolve) => setImmediate(resolve))
  }
  await star.counted('its end', ({ closed }) => (closed.stalled ?? 0) + (closed.backlog ?? 0) === 1)
  await pair.check()
})

test('a client that reads slowly is left out when peers are announced', async () => {
  const mark = 524_288
  const star = await openStar({ discovery: { interval: 30 }, relay: { highWaterMark: mark } })
  const [dialer, slow, other] = [await star.join(), await star.join(), await star.join()]
  const { near, far } = await openOneWay(dialer, slow)
  slow.tcp.pause()
  const pump = new Pump(near, 60_000)
  const { relayed } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  await pump.stop()
  // Many announcements to those that read.
  const before = other.announced.length
  await other.until('announcements', () => (other.announced.length >= before + 40 ? true : undefined))
  slow.tcp.resume()
  await far.received(pump.chunks)
  // Between the last chunk before the hold and the first one after it.
  const chunks = slow.frames.flatMap((frame, index) => (typeof frame === 'string' ? [] : [index]))
  const gap = slow.frames.slice(chunks[relayed.chunks - 1], chunks[relayed.chunks])
  const heard = gap.filter((frame) => String(frame).startsWith('42["ws-peer"'))
  expect(gap.length).toBeGreaterThan(0)
  expect(heard.length).toBeLessThan(10)
  await slow.until('announcements', () => (slow.announced.length > heard.length + 2 ? true : undefined))
})
