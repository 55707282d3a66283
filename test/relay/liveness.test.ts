import { eventually, openDial, within, type RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { digest, openOneWay, Pump, readSlowly } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

const MARK = 65_536
/** Milliseconds; a busy machine stands still for less than this timeout. */
const heartbeat = { interval: 300, timeout: 1_500 }
const relayOptions = { highWaterMark: MARK, pauseTimeout: 60_000, stallTimeout: 60_000 }

/** Lets so much time pass that a client which is not heard of is given up, so many times. */
async function outlast(star: RawStar, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const before = star.server.stats().closed['heartbeat timeout'] ?? 0
    await star.connect({ eio: '3' })
    await star.counted('a client given up', ({ closed }) => closed['heartbeat timeout'] === before + 1)
  }
}

/** Pings as a client of revision 3 does, whether or not it reads. */
function keepPinging(peer: RawPeer): Disposable {
  const timer = setInterval(() => peer.send('2'), 100)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function count(peer: RawPeer, frame: string): number {
  return peer.frames.filter((other) => other === frame).length
}

test.for(['3', '4'] as const)(
  'a client that only uploads for long neither is given up nor gives up, EIO%s',
  async (eio) => {
    const star = await openStar({ heartbeat })
    const [dialer, listener] = [await star.join({ eio }), await star.join()]
    using _pinging = keepPinging(listener)
    const { near, far } = await openOneWay(dialer, listener)
    // It does not even answer pings: its pongs are stuck behind what it uploads.
    dialer.mute()
    const pump = new Pump(near, 1_000, Number.POSITIVE_INFINITY, 5)
    await outlast(star, 3)
    // A library of revision 4 waits for the next ping, whether or not its answer to the last one has left.
    if (eio === '4') await dialer.until('pings', () => (count(dialer, '2') >= 5 ? true : undefined))
    await pump.stop()
    await far.received(pump.chunks)
    expect(digest(far.chunks)).toBe(pump.digest)
    expect(star.server.stats().closed).toEqual({ 'heartbeat timeout': 3 })
  }
)

test.for(['3', '4'] as const)('a client whose upload is paused again and again is not given up, EIO%s', async (eio) => {
  const star = await openStar({ heartbeat, relay: relayOptions })
  const [dialer, listener] = [await star.join({ eio }), await star.join()]
  using _pinging = keepPinging(listener)
  const { near, far } = await openOneWay(dialer, listener)
  {
    using _reading = readSlowly(listener, 10)
    const pump = new Pump(near, 10_000)
    await eventually('a sender that is paused again and again', () => (star.server.stats().paused.receiver ?? 0) > 10)
    await outlast(star, 3)
    await pump.stop()
  }
  await star.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
  near.end(true)
  await far.ended()
  expect(star.server.stats()).toMatchObject({ closed: { 'heartbeat timeout': 3 }, sessions: 2 })
})

test('a client of revision 4 is pinged on time while its upload is paused again and again', async () => {
  const star = await openStar({ heartbeat, relay: relayOptions })
  const [dialer, listener] = [await star.join({ eio: '4' }), await star.join()]
  using _pinging = keepPinging(listener)
  using _reading = readSlowly(listener, 10)
  const { near } = await openOneWay(dialer, listener)
  const pump = new Pump(near, 10_000)
  await eventually('a sender that is paused again and again', () => (star.server.stats().paused.receiver ?? 0) > 5)
  const before = count(dialer, '2')
  // After interval and timeout without a ping its library would give the server up.
  await outlast(star, 2)
  expect(count(dialer, '2')).toBeGreaterThan(before)
  await pump.stop()
})

test.for([
  ['3', '3'],
  ['4', '2']
] as const)('a paused client is told that the server is there, and is not given up, EIO%s', async ([eio, sign]) => {
  const star = await openStar({ heartbeat, relay: relayOptions })
  const [dialer, listener] = [await star.join({ eio }), await star.join()]
  using _pinging = keepPinging(listener)
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  const before = count(dialer, sign)
  await outlast(star, 2)
  // Nobody reads what it sends: these are no answers to that.
  await dialer.until('signs', () => (count(dialer, sign) >= before + 5 ? true : undefined))
  await pump.stop()
  expect(star.server.stats()).toMatchObject({ pausedSenders: 1, closed: { 'heartbeat timeout': 2 } })
  listener.tcp.resume()
  await far.received(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  dialer.send(eio === '3' ? '2' : '3')
  await relay(near, far)
})

test('a paused client of revision 4 is not given up, and pinged when it is read from again', async () => {
  const star = await openStar({ heartbeat, relay: relayOptions })
  const [dialer, listener] = [await star.join({ eio: '4' }), await star.join()]
  using _pinging = keepPinging(listener)
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  await outlast(star, 2)
  await pump.stop()
  expect(star.server.stats()).toMatchObject({ pausedSenders: 1, closed: { 'heartbeat timeout': 2 } })
  const before = count(dialer, '2')
  listener.tcp.resume()
  await far.received(pump.chunks)
  await dialer.until('a ping', () => (count(dialer, '2') > before ? true : undefined))
  await relay(near, far)
})

test.for(['3', '4'] as const)('a client that went silent after an upgrade is given up, EIO%s', async (eio) => {
  const star = await openStar({ heartbeat })
  const peer = await star.join({ eio, transport: 'upgrading' })
  await peer.upgrade()
  peer.mute()
  if (eio === '3') peer.send('2')
  await star.counted('the client given up', ({ closed }) => closed['heartbeat timeout'] === 1)
  expect(star.server.stats().sessions).toBe(0)
})

test('a session that goes while it is paused leaves nothing behind', async () => {
  const star = await openStar({ relay: relayOptions })
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near } = await openOneWay(dialer, listener)
  const idle = await openDial(listener, dialer)
  listener.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  dialer.tcp.destroy()
  listener.wire.close()
  await pump.stop()
  const stats = await star.counted('no session', ({ sessions }) => sessions === 0)
  expect(stats).toMatchObject({ pausedSenders: 0, bufferedBytes: 0, streams: 0, peers: 0 })
  expect(idle.near.peer.isClosed).toBe(true)
})

test('the connection of a client that was given up, and does not answer that, is cut soon after', async () => {
  const star = await openStar({ heartbeat: { interval: 100, timeout: 200 } })
  const peer = await star.connect({ eio: '4' })
  await star.counted('its connection', ({ connections }) => connections === 1)
  // It reads neither pings nor the end of the WebSocket.
  peer.tcp.pause()
  await star.counted('its end', ({ closed }) => closed['heartbeat timeout'] === 1)
  // ws would wait half a minute for an answer.
  await within(
    'no connection',
    star.counted('that', ({ connections }) => connections === 0),
    15_000
  )
})
