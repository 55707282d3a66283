import { openDial, RawConnection } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { digest, EXTENDED, openOneWay, Pump } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import type { RawStar } from '../support/raw-star.js'
import { openTwo, SHARED_BY } from './nodes.js'

const MARK = 65_536
/** To a legacy peer a departure is a normal end. */
const GONE = [true]
const LEFT = ['Peer has left']
const LOST = ['The server of the other peer was lost']

interface Scene {
  here: RawStar
  there: RawStar
  near: RawConnection
  far: RawConnection
}

describe.each(SHARED_BY)('a connection between servers that share a star by %s', (sharedBy) => {
  async function open(): Promise<Scene> {
    const [here, there] = await openTwo(sharedBy, { relay: { highWaterMark: MARK } })
    const [dialer, callee] = [await here.join(), await there.join({ eio: '4' })]
    return { here, there, ...(await openDial(dialer, callee)) }
  }

  describe.each(['near', 'far'] as const)('from the %s side', (side) => {
    const ends = ({ near, far }: Scene): [RawConnection, RawConnection] => (side === 'near' ? [near, far] : [far, near])

    test.each([
      [true, true],
      ['broken', 'broken'],
      [{ message: 'odd' }, 'stream error']
    ])('ends by its sender, %j, after all that was sent', async (reason, told) => {
      const scene = await open()
      const [from, to] = ends(scene)
      const chunks = Array.from({ length: 50 }, (_, index) => Buffer.alloc(10_000, index))
      from.write(...chunks)
      from.end(reason)
      expect(await to.ended()).toEqual([told])
      expect(digest(to.chunks)).toBe(digest(chunks))
      // the other direction goes on
      await relay(to, from)
      to.end(true)
      await from.ended()
      await untilOver(scene)
    })

    test.each([[true], ['enough']])('ends by its receiver, %j', async (reason) => {
      const scene = await open()
      const [from, to] = ends(scene)
      await relay(from, to)
      to.refuse(reason)
      expect(await from.stopped()).toEqual([reason])
      await relay(to, from)
      to.end(true)
      await from.ended()
      await untilOver(scene)
    })

    test('ends when a client goes, after all that it sent', async () => {
      const scene = await open()
      const [from, to] = ends(scene)
      const chunks = Array.from({ length: 30 }, (_, index) => Buffer.alloc(60_000, index))
      from.write(...chunks)
      from.peer.send('41')
      expect(await Promise.all([to.ended(), to.stopped()])).toEqual([GONE, GONE])
      expect(digest(to.chunks)).toBe(digest(chunks))
      await untilOver(scene)
    })

    test('ends at both sides when data comes that was not accepted', async () => {
      const [here, there] = await openTwo(sharedBy)
      const [dialer, callee] = [await here.join(), await there.join()]
      const [near, far] = await Promise.all([dialer.dial(callee.address), callee.answer(null)])
      const scene = { here, there, near, far }
      const [from] = ends(scene)
      from.write(Buffer.alloc(10))
      const reason = ['Data was sent before the stream was accepted']
      expect(await Promise.all([near.ended(), near.stopped(), far.ended(), far.stopped()])).toEqual([
        reason,
        reason,
        reason,
        reason
      ])
      await untilOver(scene)
    })
  })

  test.each([
    ['a legacy peer', undefined, GONE, GONE],
    ['an extended peer', EXTENDED, LEFT, LOST]
  ])(
    'ends for %s with its word for a peer that leaves and for a server that stops',
    async (_name, options, left, lost) => {
      const [here, there] = await openTwo(sharedBy)
      const callee = await there.join(options)
      const [first, second] = [await here.join(EXTENDED), await here.join()]
      const dials = [await openDial(first, callee), await openDial(second, callee)]
      first.send('41')
      expect(await Promise.all([dials[0]?.far.ended(), dials[0]?.far.stopped()])).toEqual([left, left])
      await here.server.stop()
      expect(await Promise.all([dials[1]?.far.ended(), dials[1]?.far.stopped()])).toEqual([lost, lost])
    }
  )

  test('ends at both sides when a sender that knows windows sends more than it may', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(EXTENDED), await there.join(EXTENDED)]
    const { near, far, told } = await openOneWay(dialer, callee, 100_000)
    const [{ window }] = told as [{ window: number }]
    expect(window).toBe(100_000)
    near.write(Buffer.alloc(window + 1))
    const reason = ['More was sent than the window allows']
    expect(await Promise.all([near.stopped(), far.ended()])).toEqual([reason, reason])
    await untilOver({ here, there, near, far })
  })

  test('holds a sender that knows no windows for a receiver that does not read, and then goes on', async () => {
    const [here, there] = await openTwo(sharedBy, { relay: { highWaterMark: MARK } })
    const [dialer, slow, other] = [await here.join(), await there.join({ eio: '4' }), await there.join()]
    const { near, far } = await openOneWay(dialer, slow)
    const beside = await openDial(await here.join(), other)
    slow.tcp.pause()
    const pump = new Pump(near, 60_000, 60_000_000)
    // From here on it is paused for good: nothing leaves any more.
    await there.counted('a full receiver', ({ bufferedBytes }) => bufferedBytes > MARK)
    await here.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
    // who else is on the way is not disturbed
    await relay(beside.near, beside.far)
    await relay(beside.far, beside.near)
    expect(here.server.stats().pausedSenders).toBe(1)
    expect(there.server.stats().bufferedBytes).toBeLessThan(8_000_000)
    slow.tcp.resume()
    await pump.done
    await far.received(pump.chunks)
    expect(digest(far.chunks)).toBe(pump.digest)
    await here.counted('nobody paused', ({ pausedSenders }) => pausedSenders === 0)
    for (const node of [here, there]) expect(node.server.stats()).toMatchObject({ reset: {}, closed: {} })
  })

  test('holds a sender no longer than it may', async () => {
    const [here, there] = await openTwo(sharedBy, {
      relay: { highWaterMark: MARK, pauseTimeout: 800, stallTimeout: 20_000 }
    })
    const [dialer, stopped] = [await here.join(), await there.join()]
    const { near } = await openOneWay(dialer, stopped)
    stopped.tcp.pause()
    const pump = new Pump(near, 60_000)
    const reason = ['The receiver took nothing for too long']
    expect(await Promise.all([near.stopped(), near.ended()])).toEqual([reason, reason])
    await pump.stop()
    const again = await openDial(dialer, await there.join())
    await relay(again.near, again.far)
  })

  test('ends when the other server stops', async () => {
    const scene = await open()
    await scene.there.server.stop()
    const [ended, stopped] = await Promise.all([scene.near.ended(), scene.near.stopped()])
    expect([ended, stopped]).toEqual([GONE, GONE])
    await scene.here.counted('no streams', ({ streams }) => streams === 0)
  })
})

async function untilOver({ here, there }: Scene): Promise<void> {
  for (const node of [here, there]) {
    await node.counted('no streams', ({ streams, cluster }) => streams + (cluster?.dials ?? 0) === 0)
  }
}
