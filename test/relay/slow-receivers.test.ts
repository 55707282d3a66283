import { openDial } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { digest, EXTENDED, openOneWay, Pump, readSlowly } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const MARK = 262_144
/** What one legacy sender may have under way when it is paused: what was read with the last chunk. */
const SLACK = 200_000

test('a receiver that reads now and then gets all of it, and its sender is paused meanwhile', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(), await star.join({ eio: '4' })]
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000, 40_000_000)
  const { bufferedBytes } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  expect(bufferedBytes).toBeGreaterThan(MARK)
  expect(bufferedBytes).toBeLessThan(MARK + SLACK)
  listener.tcp.resume()
  await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
  listener.tcp.pause()
  await star.counted('a second time', ({ pausedSenders, paused }) => pausedSenders === 1 && (paused.receiver ?? 0) >= 2)
  listener.tcp.resume()
  await pump.done
  await far.received(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  expect(star.server.stats()).toMatchObject({ pausedSenders: 0, reset: {}, closed: {} })
})

test('a sender that is paused again and again leaves no listener behind each time', async () => {
  const warnings: string[] = []
  const note = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(), await star.join({ eio: '4' })]
  const { near } = await openOneWay(dialer, listener)
  const pump = new Pump(near, 60_000)
  for (let times = 1; times <= 12; times++) {
    listener.tcp.pause()
    await star.counted(
      'a paused sender',
      ({ pausedSenders, paused }) => pausedSenders === 1 && (paused.receiver ?? 0) >= times
    )
    listener.tcp.resume()
    await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
  }
  await pump.stop()
  // Node warns of the eleventh.
  expect(warnings).not.toContain('MaxListenersExceededWarning')
})

test('a receiver that stops reading altogether is dropped, and its sender lives on', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK, stallTimeout: 1000, pauseTimeout: 20_000 } })
  const [dialer, stopped, reader] = [await star.join(), await star.join(), await star.join()]
  const { near } = await openOneWay(dialer, stopped)
  const pair = await openDial(reader, await star.join())
  stopped.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  let largest = 0
  const { closed } = await star.counted('a stalled receiver', (stats) => {
    largest = Math.max(largest, stats.bufferedBytes)
    return stats.closed.stalled === 1
  })
  expect(closed).toEqual({ stalled: 1 })
  expect(largest).toBeLessThan(MARK + SLACK)
  await relay(pair.near, pair.far)
  expect(await Promise.all([near.stopped(), near.ended()])).toEqual([[true], [true]])
  await pump.stop()
  expect(await star.counted('nothing unsent', (stats) => stats.bufferedBytes === 0)).toMatchObject({
    pausedSenders: 0,
    sessions: 3,
    paused: { receiver: 1 }
  })
  await expect(dialer.dial(stopped.address)).rejects.toThrow('Peer not found')
  const again = await openDial(dialer, reader)
  await relay(again.near, again.far)
})

test('others relay while a receiver is stopped, and its sender gets what others send it', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, stopped, other, listener] = [
    await star.join(),
    await star.join(),
    await star.join(),
    await star.join()
  ]
  const { near } = await openOneWay(dialer, stopped)
  const beside = await openDial(other, dialer)
  const apart = await openDial(other, listener)
  stopped.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  await relay(beside.near, beside.far)
  await relay(apart.near, apart.far)
  await relay(apart.far, apart.near)
  expect(star.server.stats().pausedSenders).toBe(1)
  stopped.wire.close()
  await pump.stop()
})

test('a slow receiver that is there holds its legacy sender so long and no longer', async () => {
  const star = await openStar({
    relay: { highWaterMark: 8 * MARK, sessionCeiling: 100 * MARK, pauseTimeout: 800, stallTimeout: 3_000 }
  })
  const [dialer, slow, listener] = [await star.join(), await star.join(), await star.join()]
  const { near, far } = await openOneWay(dialer, slow)
  using _reading = readSlowly(slow, 50)
  const pump = new Pump(near, 60_000)
  const reason = ['The receiver took nothing for too long']
  expect(await Promise.all([near.stopped(), near.ended()])).toEqual([reason, reason])
  await pump.stop()
  expect(star.server.stats()).toMatchObject({
    pausedSenders: 0,
    closed: {},
    sessions: 3,
    reset: { 'paused too long': 1 }
  })
  const { near: dialled, far: answered } = await openDial(dialer, listener)
  await relay(dialled, answered)
  // It has its place still, and hears of the end after all that was sent before.
  slow.tcp.resume()
  expect(await far.ended()).toEqual(reason)
  expect(await far.stopped()).toEqual(reason)
  const { relayed } = star.server.stats()
  expect(far.chunks.length + answered.chunks.length).toBe(relayed.chunks)
})

test('a half that holds its sender ends by an error of its receiver, and holds nobody then', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, stopped, listener] = [await star.join(), await star.join(), await star.join()]
  const { near, far } = await openOneWay(dialer, stopped)
  const away = await openDial(dialer, listener)
  stopped.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  far.refuse('enough')
  expect(await near.stopped()).toEqual(['enough'])
  await pump.stop()
  // The dialer is read from again; the receiver, which has asked for something and reads no answers, is not.
  await relay(away.near, away.far)
  expect(star.server.stats()).toMatchObject({ pausedSenders: 1, paused: { answers: 1 }, reset: {} })
  stopped.tcp.resume()
  await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
})

test('a paused sender that goes is noticed when it is read from again, after all it sent before', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  await pump.stop()
  near.end(true)
  dialer.send('41')
  listener.tcp.resume()
  expect(await far.ended()).toEqual([true])
  expect(far.chunks).toHaveLength(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  await star.counted('one session', ({ sessions }) => sessions === 1)
})

test('the largest backlog goes when all together are too large', async () => {
  const limit = 3_000_000
  const star = await openStar({ relay: { highWaterMark: 2_000_000, maxBufferedBytes: limit } })
  const [dialer, other, small, large] = [await star.join(), await star.join(), await star.join(), await star.join()]
  const pushed = await openOneWay(dialer, large)
  large.tcp.pause()
  const pump = new Pump(pushed.near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  const later = await openOneWay(other, small)
  small.tcp.pause()
  const smallPump = new Pump(later.near, 60_000, 12_000_000)
  await star.counted('a dropped backlog', ({ closed }) => closed.backlog === 1)
  const ended = await Promise.race([pushed.near.stopped(), later.near.stopped()])
  expect(ended).toEqual([true])
  await star.counted('little unsent', ({ bufferedBytes }) => bufferedBytes < limit)
  await Promise.all([pump.stop(), smallPump.stop()])
  expect(star.server.stats()).toMatchObject({ sessions: 3, closed: { backlog: 1 } })
})

test('above the ceiling not even a new sender is read from, until its receiver takes what there is', async () => {
  const ceiling = 1_000_000
  const star = await openStar({ relay: { highWaterMark: MARK, sessionCeiling: ceiling } })
  const [dialer, listener] = [await star.join(EXTENDED), await star.join()]
  const { near, far } = await openOneWay(dialer, listener, 2 ** 24)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000, 16_000_000)
  const { bufferedBytes, paused } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  expect(bufferedBytes).toBeGreaterThan(ceiling)
  expect(bufferedBytes).toBeLessThan(ceiling + SLACK)
  expect(paused).toEqual({ ceiling: 1 })
  listener.tcp.resume()
  await pump.done
  await far.received(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  expect(star.server.stats().reset).toEqual({})
})
