import { expect, test } from 'vitest'
import { digest, EXTENDED, openOneWay, Pump } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const MARK = 262_144

test('a new client is told at CONNECT that the server knows windows, an old one is not', async () => {
  const star = await openStar()
  const [extended, plain] = [await star.connect(EXTENDED), await star.connect({ eio: '4' })]
  expect(extended.frames.map(String).find((frame) => frame.startsWith('40'))).toContain('"websocketStar":{"version":2')
  expect(plain.frames.map(String).find((frame) => frame.startsWith('40'))).not.toContain('websocketStar')
})

test('a window and credit go from a new receiver to a new sender as they are', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(EXTENDED), await star.join(EXTENDED)]
  const { near, far, told } = await openOneWay(dialer, listener, 1000)
  expect(told).toEqual([{ window: 1000 }])
  await relay(near, far, [400, 0, 600, 0])
  far.grant(7)
  expect(await near.granted()).toBe(7)
  await relay(near, far, [3, 4])
  expect(star.server.stats()).toMatchObject({ streams: 2, pausedSenders: 0, paused: {}, dropped: {}, reset: {} })
})

test('a new sender that sends more than its window is reset, both halves at both ends', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(EXTENDED), await star.join()]
  const [near, far] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  far.accept(1000)
  await near.accepted()
  await relay(near, far, [999])
  near.write(Buffer.alloc(2))
  const reason = ['More was sent than the window allows']
  expect(await Promise.all([near.stopped(), near.ended(), far.stopped(), far.ended()])).toEqual([
    reason,
    reason,
    reason,
    reason
  ])
  expect(far.chunks).toHaveLength(1)
  near.write(Buffer.alloc(1))
  await star.counted('the late chunk', ({ dropped }) => dropped['unknown stream'] === 1)
  expect(star.server.stats()).toMatchObject({ streams: 0, reset: { 'window exceeded': 1 }, relayed: { chunks: 1 } })
})

test.for([0, 1, 65_536])(
  'a legacy sender is paused when a window of %i is used up, until there is credit',
  async (window) => {
    const star = await openStar()
    const [dialer, listener] = [await star.join(), await star.join(EXTENDED)]
    const { near, far, told } = await openOneWay(dialer, listener, window)
    expect(told).toEqual([])
    const total = 6_000_000
    const pump = new Pump(near, 10_000, total)
    const { relayed } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
    // What was read together with the last chunk is passed on, and no more is read.
    expect(relayed.bytes - window).toBeLessThan(200_000)
    if (relayed.bytes > window) {
      far.grant(relayed.bytes - window)
      await listener.settle()
      expect(star.server.stats()).toMatchObject({ pausedSenders: 1, relayed })
    }
    while (far.chunks.length < total / 10_000) {
      const before = far.chunks.length
      far.grant(1_000_000)
      await far.received(Math.min(total / 10_000, before + 50))
    }
    await pump.done
    expect(digest(far.chunks)).toBe(pump.digest)
    expect(star.server.stats().paused.window).toBeGreaterThan(0)
    expect(star.server.stats().reset).toEqual({})
  }
)

test('a stream of a new sender that its reader does not read never times out', async () => {
  const star = await openStar({ relay: { pauseTimeout: 1_000, stallTimeout: 1_000 }, dial: { acceptTimeout: 1_000 } })
  const [dialer, listener] = [await star.join(EXTENDED), await star.join(EXTENDED)]
  const { near, far } = await openOneWay(dialer, listener, 1000)
  await relay(near, far, [1000])
  // Meanwhile another stream waits for as long as any timeout, and ends by it.
  const [idle] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  expect(await idle.stopped()).toEqual(['Stream was not accepted in time'])
  far.grant(5)
  expect(await near.granted()).toBe(5)
  await relay(near, far, [5])
})

test('for a legacy receiver the server sets the window of a new sender, and renews it as the receiver takes', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(EXTENDED), await star.join()]
  const { near, far, told } = await openOneWay(dialer, listener)
  expect(told).toEqual([{ window: MARK }])
  let credit = MARK
  let sent = 0
  for (; sent < 8 * MARK; sent += 32_768) {
    while (credit < 32_768) credit += Number(await near.granted())
    near.write(Buffer.alloc(32_768, sent))
    credit -= 32_768
  }
  await far.received(sent / 32_768)
  expect(star.server.stats()).toMatchObject({ reset: {}, paused: {}, pausedSenders: 0 })
})

test('for a legacy receiver that does not read the window is not renewed, until it reads', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(EXTENDED), await star.join()]
  const { near, far } = await openOneWay(dialer, listener)
  listener.tcp.pause()
  let credit = MARK
  let sent = 0
  const take = () => {
    const index = dialer.unread.findIndex((frame) => String(frame).includes('.credit.'))
    if (index < 0) return 0
    return Number(/,(\d+)\]$/.exec(String(dialer.unread.splice(index, 1)[0]))?.[1])
  }
  // Until the kernel's buffers are full and what is granted is used up.
  for (;;) {
    for (let more = take(); more > 0; more = take()) credit += more
    if (credit < 32_768) {
      await dialer.settle()
      await star.counted('all that was sent', ({ relayed }) => relayed.bytes === sent)
      if (star.server.stats().bufferedBytes > MARK && !dialer.unread.some((f) => String(f).includes('.credit.'))) break
      continue
    }
    near.write(Buffer.alloc(32_768))
    sent += 32_768
    credit -= 32_768
  }
  expect(star.server.stats().bufferedBytes).toBeLessThan(3 * MARK)
  expect(star.server.stats()).toMatchObject({ pausedSenders: 0, paused: {}, reset: {} })
  listener.tcp.resume()
  expect(await near.granted()).toBeGreaterThan(0)
  await far.received(sent / 32_768)
})

test('credit from the wrong side, credit without a window and a second accept go nowhere', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(EXTENDED), await star.join()]
  const windowed = await openOneWay(dialer, listener, 100)
  const plain = await openOneWay(dialer, listener)
  dialer.emit(`socket.io-pull-stream.credit.${windowed.near.sends}`, 50)
  plain.far.grant(50)
  windowed.far.accept(1_000_000)
  dialer.emit(`socket.io-pull-stream.accept.${windowed.near.sends}`, { window: 1_000_000 })
  for (const nonsense of [0, -1, 0.5, 2 ** 24 + 1, '5', null]) {
    listener.emit(`socket.io-pull-stream.credit.${windowed.far.receives}`, nonsense)
  }
  await Promise.all([dialer.settle(), listener.settle()])
  expect(star.server.stats().dropped).toEqual({
    'foreign stream': 2,
    'credit without window': 1,
    'repeated accept': 1,
    'unknown event': 6
  })
  expect(dialer.unread.filter((frame) => /\.(credit|accept)\./.test(String(frame)))).toEqual([])
  windowed.near.write(Buffer.alloc(101))
  expect(await windowed.near.stopped()).toEqual(['More was sent than the window allows'])
})
