import { randomBytes } from 'node:crypto'
import { openDial, type RawConnection, type RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { digest, openOneWay, Pump } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

const MARK = 65_536

/** What is posted for chunks of a connection, as text. */
function bodyOf(connection: RawConnection, chunks: readonly Buffer[]): string {
  const header = `451-["socket.io-pull-stream.queue.${connection.sends}",{"_placeholder":true,"num":0}]`
  return chunks.flatMap((chunk) => [header, `b${chunk.toString('base64')}`]).join('\x1e')
}

/** Sends to a peer that has stopped reading until the server holds the sender: from now on nothing fits. */
async function fillUp(star: RawStar, receiver: RawPeer): Promise<Pump> {
  const { near } = await openOneWay(await star.join(), receiver)
  receiver.tcp.pause()
  const pump = new Pump(near, 60_000)
  await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  await pump.stop()
  return pump
}

test('what a paused client posts is answered when its receiver has taken what there is, and comes in order', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join({ eio: '4', transport: 'polling' }), await star.join()]
  const { near, far } = await openOneWay(dialer, listener)
  await fillUp(star, listener)
  const chunks = Array.from({ length: 30 }, () => randomBytes(10_000))
  expect(await dialer.polling.post(bodyOf(near, chunks.slice(0, 10)))).toBe(200)
  await star.counted('two paused senders', ({ pausedSenders }) => pausedSenders === 2)
  const answers: number[] = []
  const posts = [chunks.slice(10, 20), chunks.slice(20)].reduce(async (before, part) => {
    await before
    answers.push(await dialer.polling.post(bodyOf(near, part)))
  }, Promise.resolve())
  // What is sent to it comes all the same: its polls are answered.
  const other = await star.join()
  const dialled = other.dial(dialer.address)
  const [, ack] = /^42(\d+)/.exec(await dialer.takeText(/"ss-incomming"/)) ?? []
  expect(answers).toEqual([])
  expect(star.server.stats().pausedSenders).toBe(2)
  listener.tcp.resume()
  await posts
  expect(answers).toEqual([200, 200])
  dialer.send(`43${ack}[null]`)
  await dialled
  await far.received(chunks.length)
  expect(digest(far.chunks)).toBe(digest(chunks))
  expect(star.server.stats()).toMatchObject({ pausedSenders: 0, reset: {}, closed: {} })
})

test('a client that posts more than the ceiling allows is reset, both halves at both ends, and lives on', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK, sessionCeiling: 400_000 } })
  const [dialer, listener] = [await star.join({ eio: '4', transport: 'polling' }), await star.join()]
  const other = await star.join()
  const { near, far } = await openOneWay(dialer, listener)
  await fillUp(star, listener)
  expect(
    await dialer.polling.post(
      bodyOf(
        near,
        Array.from({ length: 60 }, () => Buffer.alloc(10_000))
      )
    )
  ).toBe(200)
  const reason = ['The receiver is too slow']
  expect(await Promise.all([near.stopped(), near.ended()])).toEqual([reason, reason])
  const stats = star.server.stats()
  expect(stats).toMatchObject({ pausedSenders: 1, reset: { 'receiver too slow': 1 } })
  expect(stats.bufferedBytes).toBeLessThan(500_000)
  const again = await openDial(dialer, other)
  await relay(again.near, again.far, [10, 0, 5000])
  listener.tcp.resume()
  expect(await far.ended()).toEqual(reason)
  expect(far.chunks.length).toBeGreaterThan(0)
  expect(far.chunks.length).toBeLessThan(60)
})

test('a post that waits is given up with its session', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join({ eio: '4', transport: 'polling' }), await star.join()]
  const { near } = await openOneWay(dialer, listener)
  await fillUp(star, listener)
  expect(await dialer.polling.post(bodyOf(near, [Buffer.alloc(70_000)]))).toBe(200)
  await star.counted('two paused senders', ({ pausedSenders }) => pausedSenders === 2)
  const post = dialer.polling.post(bodyOf(near, [Buffer.alloc(10)]))
  await star.server.stop()
  expect([0, 400]).toContain(await post)
})

test('a client that polls and no longer does holds those who send to it, and is dropped', async () => {
  const star = await openStar({ relay: { highWaterMark: MARK, stallTimeout: 500 } })
  const [dialer, listener] = [await star.join(), await star.join({ eio: '4', transport: 'polling' })]
  const { near } = await openOneWay(dialer, listener)
  listener.wire.close()
  const pump = new Pump(near, 20_000)
  const { bufferedBytes } = await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  expect(bufferedBytes).toBeLessThan(MARK + 200_000)
  expect(await near.stopped()).toEqual([true])
  await pump.stop()
  expect(star.server.stats()).toMatchObject({ pausedSenders: 0, closed: { stalled: 1 } })
})

test.for(['3', '4'] as const)('a client that polls and takes what it gets is not dropped, EIO%s', async (eio) => {
  const star = await openStar({ relay: { highWaterMark: MARK, stallTimeout: 1_000 } })
  const [dialer, listener] = [await star.join(), await star.join({ eio, transport: 'polling' })]
  const { near, far } = await openOneWay(dialer, listener)
  const pump = new Pump(near, 20_000)
  await far.received(10)
  // Twice as long as it takes to drop one that takes nothing.
  for (const dropped of [1, 2]) {
    const stopped = await star.join()
    await fillUpBeside(stopped)
    await star.counted('a stalled receiver', ({ closed }) => closed.stalled === dropped)
    expect(listener.isClosed).toBe(false)
    await far.received(far.chunks.length + 10)
  }
  await pump.stop()
  await far.received(pump.chunks)
  expect(digest(far.chunks)).toBe(pump.digest)
  expect(star.server.stats().closed).toEqual({ stalled: 2 })

  async function fillUpBeside(stopped: RawPeer): Promise<void> {
    const beside = await openOneWay(await star.join(), stopped)
    stopped.tcp.pause()
    const filling = new Pump(beside.near, 60_000)
    const stop = async () => await filling.stop()
    void beside.near.stopped().then(stop, stop)
  }
})
