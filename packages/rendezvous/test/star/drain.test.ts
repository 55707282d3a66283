import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Drain } from '../../src/star/drain.js'
import { RecordingSession } from '../support/recording-session.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A client that goes when it is closed. */
class Client extends RecordingSession {
  override close(reason: Parameters<RecordingSession['close']>[0]): void {
    super.close(reason)
    this.ended = true
  }
}

function clients(count: number, extended = false): Client[] {
  return Array.from({ length: count }, (_, index) => Object.assign(new Client(`${index}`), { extended }))
}

/** Clients with streams. */
const busy = new Set<Client>()

function drain(all: readonly Client[], timeout: number, random = 0, isQuiet = () => true): { done: () => boolean } {
  const drain = new Drain(
    {
      sessions: () => all.filter(({ ended }) => !ended).map(({ session }) => session),
      hasStreams: (session) => all.some((client) => client.session === session && busy.has(client)),
      isQuiet
    },
    timeout,
    () => Date.now(),
    () => random
  )
  let isDone = false
  void drain.finished().then(() => (isDone = true))
  return { done: () => isDone }
}

describe('draining', () => {
  test('ends at once when nobody is there', async () => {
    const { done } = drain([], 10_000)
    await vi.advanceTimersByTimeAsync(0)
    expect(done()).toBe(true)
  })

  test('waits until everything has left for other nodes, but not beyond its time', async () => {
    let isQuiet = false
    const { done } = drain([], 10_000, 0, () => isQuiet)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(done()).toBe(false)
    isQuiet = true
    await vi.advanceTimersByTimeAsync(100)
    expect(done()).toBe(true)
    const late = drain([], 1_000, 0, () => false)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(late.done()).toBe(true)
  })

  test('closes old clients, and tells new ones to go', async () => {
    const [old, fresh] = [clients(1), clients(1, true)]
    const { done } = drain([...old, ...fresh], 10_000)
    await vi.advanceTimersByTimeAsync(60)
    expect(old[0]?.closes).toEqual(['server stop'])
    expect(fresh[0]?.texts).toEqual(['2["ss-drain",{"afterMs":0}]'])
    expect(fresh[0]?.closes).toEqual([])
    expect(done()).toBe(false)
    // It has not found another server.
    await vi.advanceTimersByTimeAsync(2_000)
    expect(fresh[0]?.closes).toEqual(['server stop'])
    expect(done()).toBe(true)
  })

  test('does not send all away at the same time', async () => {
    const all = clients(1000)
    drain(all, 10_000, 0.5)
    await vi.advanceTimersByTimeAsync(400)
    expect(all.filter(({ ended }) => ended)).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(all.filter(({ ended }) => ended)).toHaveLength(1000)
  })

  test('waits for streams, until the time is up', async () => {
    const [finishing, endless] = clients(2)
    for (const client of [finishing, endless]) busy.add(client ?? expect.fail())
    const { done } = drain([finishing ?? expect.fail(), endless ?? expect.fail()], 10_000)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(finishing?.ended).toBe(false)
    busy.delete(finishing ?? expect.fail())
    await vi.advanceTimersByTimeAsync(100)
    expect([finishing?.ended, endless?.ended, done()]).toEqual([true, false, false])
    await vi.advanceTimersByTimeAsync(5_000)
    expect([endless?.ended, done()]).toEqual([false, true])
    expect(vi.getTimerCount()).toBe(0)
  })
})
