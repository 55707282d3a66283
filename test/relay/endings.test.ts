import { openDial, RawConnection, type RawOptions } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { digest, EXTENDED, Pump } from '../support/raw-flow.js'
import { relay } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

/**
 * How a half ends, at every point of its life. The half looked at is the dialer's: `near` sends on it, `far` receives.
 * The other half of the dial is open all the time, and used both before and after.
 */
const phases = ['not accepted', 'accepted', 'in the middle of a transfer', 'paused'] as const
type Phase = (typeof phases)[number]

const MARK = 65_536
/** To a legacy peer a departure is a normal end. */
const gone = [true]
const left = ['Peer has left']

interface Scene {
  star: RawStar
  near: RawConnection
  far: RawConnection
  /** What `near` has sent so far, all of which has to arrive before any end. */
  pump: Pump | undefined
}

async function scene(phase: Phase): Promise<Scene> {
  const star = await openStar({ relay: { highWaterMark: MARK } })
  const [dialer, listener] = [await star.join(), await star.join({ eio: '4' })]
  const [near, far] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  near.accept()
  await far.accepted()
  await relay(far, near, [5, 0])
  if (phase === 'not accepted') return { star, near, far, pump: undefined }
  far.accept()
  await near.accepted()
  if (phase === 'accepted') return { star, near, far, pump: undefined }
  if (phase === 'paused') listener.tcp.pause()
  const pump = new Pump(near, 30_000)
  if (phase === 'paused') await star.counted('a paused sender', ({ pausedSenders }) => pausedSenders === 1)
  else await far.received(20)
  await pump.stop()
  return { star, near, far, pump }
}

/** All that was sent has come, in order. */
function expectNothingLost({ far, pump }: Scene): void {
  if (pump !== undefined) expect(digest(far.chunks)).toBe(pump.digest)
}

describe.each(phases)('a half that is %s', (phase) => {
  test.each([
    [true, true],
    ['broken', 'broken'],
    [false, true],
    [{ message: 'odd' }, 'stream error']
  ])('ends by its sender, %j', async (reason, told) => {
    const scened = await scene(phase)
    const { star, near, far } = scened
    near.end(reason)
    far.peer.tcp.resume()
    expect(await far.ended()).toEqual([told])
    expectNothingLost(scened)
    await relay(far, near, [7, 0, 9])
    await star.counted('one half', ({ streams, pausedSenders }) => streams === 1 && pausedSenders === 0)
    near.write(Buffer.alloc(1))
    await star.counted('a late chunk', ({ dropped }) => dropped['unknown stream'] === 1)
    expect(near.peer.unread.filter((frame) => String(frame).includes('.error.'))).toEqual([])
  })

  test.each([[true], ['enough']])('ends by its receiver, %j', async (reason) => {
    const { star, near, far } = await scene(phase)
    far.refuse(reason)
    expect(await near.stopped()).toEqual([reason])
    await star.counted('one half', ({ streams, pausedSenders }) => streams === 1 && pausedSenders === 0)
    far.peer.tcp.resume()
    await relay(far, near, [7, 0, 9])
    near.write(Buffer.alloc(1))
    await star.counted('late chunks', ({ dropped }) => (dropped['unknown stream'] ?? 0) > 0)
    expect(far.peer.unread.filter((frame) => String(frame).includes('.error.'))).toEqual([])
    expect(star.server.stats().reset).toEqual({})
  })

  test('ends when its sender says goodbye, after all it sent', async () => {
    const scened = await scene(phase)
    const { star, near, far } = scened
    near.peer.send('41')
    far.peer.tcp.resume()
    expect(await Promise.all([far.ended(), far.stopped()])).toEqual([gone, gone])
    expectNothingLost(scened)
    await star.counted(
      'nothing',
      ({ streams, pausedSenders, sessions }) => streams === 0 && pausedSenders === 0 && sessions === 1
    )
    expect(star.server.stats().reset).toEqual({ 'peer left': 1 })
  })

  test('ends when its sender is cut off', async () => {
    const { star, near, far } = await scene(phase)
    near.peer.tcp.resetAndDestroy()
    far.peer.tcp.resume()
    expect(await Promise.all([far.ended(), far.stopped()])).toEqual([gone, gone])
    await star.counted(
      'nothing',
      ({ streams, pausedSenders, sessions }) => streams === 0 && pausedSenders === 0 && sessions === 1
    )
  })

  test('ends when the server stops, as it does when a peer leaves', async () => {
    const { star, near, far } = await scene(phase)
    far.peer.tcp.resume()
    // one of them is cut off before the other
    const told = Promise.any([far.ended(), near.stopped()])
    await star.server.stop()
    expect(await told).toEqual(gone)
    expect(star.server.stats()).toMatchObject({
      streams: 0,
      pausedSenders: 0,
      sessions: 0,
      reset: { 'server stop': 1 }
    })
  })

  test.each(['says goodbye', 'is cut off'])('ends when its receiver %s', async (how) => {
    const { star, near, far } = await scene(phase)
    if (how === 'is cut off') far.peer.tcp.resetAndDestroy()
    else far.peer.send('41')
    expect(await Promise.all([near.stopped(), near.ended()])).toEqual([gone, gone])
    near.write(Buffer.alloc(1))
    const stats = await star.counted('late chunks', ({ dropped }) => (dropped['unknown stream'] ?? 0) > 0)
    expect(stats).toMatchObject({ streams: 0, pausedSenders: 0, sessions: 1, reset: { 'peer left': 1 } })
  })

  test('ends with its sibling when it breaks a rule', async () => {
    const scened = await scene(phase)
    const { star, near, far } = scened
    near.peer.send(`42["socket.io-pull-stream.queue.${near.sends}","text"]`)
    far.peer.tcp.resume()
    const reason = ['Only binary chunks are relayed']
    expect(await Promise.all([far.ended(), far.stopped(), near.ended(), near.stopped()])).toEqual([
      reason,
      reason,
      reason,
      reason
    ])
    expectNothingLost(scened)
    expect(star.server.stats()).toMatchObject({ streams: 0, pausedSenders: 0, reset: { payload: 1 } })
  })
})

describe('an extended peer is told why', () => {
  async function pair(options: RawOptions): Promise<{ star: RawStar; near: RawConnection; far: RawConnection }> {
    const star = await openStar()
    return { star, ...(await openDial(await star.join(options), await star.join(EXTENDED))) }
  }

  test.each([
    ['a legacy peer', { eio: '3' } as const],
    ['an extended peer', EXTENDED]
  ])('when %s says goodbye', async (_name, options) => {
    const { near, far } = await pair(options)
    near.peer.send('41')
    expect(await Promise.all([far.ended(), far.stopped()])).toEqual([left, left])
  })

  test('when its peer is cut off', async () => {
    const { near, far } = await pair(EXTENDED)
    near.peer.tcp.resetAndDestroy()
    expect(await Promise.all([far.ended(), far.stopped()])).toEqual([left, left])
  })

  test('when the server stops', async () => {
    const { star, near, far } = await pair(EXTENDED)
    const told = Promise.any([far.ended(), near.stopped()])
    await star.server.stop()
    expect(await told).toEqual(['Server is stopping'])
  })
})

describe('a dial that is not answered yet', () => {
  async function asked(): Promise<Scene & { answer: Promise<unknown[]>; reply: (...args: unknown[]) => void }> {
    const star = await openStar()
    const [dialer, listener] = [await star.join(), await star.join()]
    const answer = dialer.request('ss-dial', dialer.address, listener.address, 'a')
    const incoming = await listener.takeText(/^42\d+\["ss-incomming"/)
    const [, id] = /^42(\d+)/.exec(incoming) ?? []
    return {
      star,
      near: new RawConnection(dialer, 'a', 'dialer'),
      far: new RawConnection(listener, 'a', 'listener'),
      pump: undefined,
      answer,
      reply: (...args) => listener.send(`43${id}${JSON.stringify(args)}`)
    }
  }

  test('its dialer ends its half: the other half opens all the same', async () => {
    const { star, near, far, answer, reply } = await asked()
    near.end(true)
    expect(await far.ended()).toEqual([true])
    reply()
    expect(await answer).toEqual([])
    near.accept()
    await far.accepted()
    await relay(far, near)
    expect(star.server.stats()).toMatchObject({ streams: 1, dials: { success: 1 }, reset: {} })
  })

  test('its dialer goes: the callee is told', async () => {
    const { star, near, far, answer, reply } = await asked()
    const unanswered = answer.catch(String)
    near.peer.send('41')
    expect(await far.ended()).toEqual(gone)
    expect(await unanswered).toContain('closed')
    reply()
    await star.counted('a failed dial', ({ dials }) => dials.failure === 1)
    expect(star.server.stats()).toMatchObject({ streams: 0, refused: { 'stream reset': 1 } })
  })

  test('its callee goes: the dialer is told by the answer', async () => {
    const { star, far, answer } = await asked()
    far.peer.tcp.resetAndDestroy()
    expect(await answer).toEqual(left)
    expect(star.server.stats()).toMatchObject({ streams: 0, refused: { 'peer left': 1 }, reset: {} })
  })
})
