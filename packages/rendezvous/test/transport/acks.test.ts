import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AckTable, type RequestOutcome } from '../../src/transport/acks.js'

function recorder() {
  return vi.fn<(outcome: RequestOutcome) => void>()
}

/** Returns the timers that keep the process alive. */
function liveTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
}

const ANSWER: RequestOutcome = { answered: true, args: ['yes'] }
const TIMEOUT: RequestOutcome = { answered: false, reason: 'timeout' }
const CLOSED: RequestOutcome = { answered: false, reason: 'closed' }

describe('the requests of a session', () => {
  let acks: AckTable

  beforeEach(() => {
    vi.useFakeTimers()
    acks = new AckTable(Date.now)
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('have unique ids', () => {
    const first = acks.add(1000, recorder())
    acks.settle(first, ANSWER)
    const ids = [first, acks.add(1000, recorder()), acks.add(1000, recorder())]
    expect(new Set(ids).size).toBe(3)
    expect(acks.size).toBe(2)
  })

  test('an answer settles the request it names and no other', () => {
    const [one, two] = [recorder(), recorder()]
    acks.add(1000, one)
    expect(acks.settle(acks.add(1000, two), ANSWER)).toBe(true)
    expect(two).toHaveBeenCalledExactlyOnceWith(ANSWER)
    expect(one).not.toHaveBeenCalled()
    expect(acks.size).toBe(1)
  })

  test('the first answer counts', () => {
    const settle = recorder()
    const id = acks.add(1000, settle)
    acks.settle(id, ANSWER)
    expect(vi.getTimerCount()).toBe(0)
    expect(acks.settle(id, { answered: true, args: ['no'] })).toBe(false)
    vi.advanceTimersByTime(5000)
    expect(settle).toHaveBeenCalledExactlyOnceWith(ANSWER)
  })

  test('an answer to an unknown request is reported', () => {
    expect(acks.settle(0, ANSWER)).toBe(false)
    expect(acks.settle(-1, ANSWER)).toBe(false)
  })

  test('an unanswered request times out, and later answers are ignored', () => {
    const settle = recorder()
    const id = acks.add(1000, settle)
    vi.advanceTimersByTime(999)
    expect(settle).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(settle).toHaveBeenCalledExactlyOnceWith(TIMEOUT)
    expect(acks.settle(id, ANSWER)).toBe(false)
    expect(acks.size).toBe(0)
  })

  test('timers keep no process alive', () => {
    vi.useRealTimers()
    const before = liveTimers()
    const id = acks.add(60_000, recorder())
    expect(liveTimers()).toBe(before)
    acks.settle(id, ANSWER)
  })

  test('a timer stops during a pause', () => {
    const settle = recorder()
    acks.add(1000, settle)
    vi.advanceTimersByTime(400)
    acks.pause()
    vi.advanceTimersByTime(60_000)
    expect(settle).not.toHaveBeenCalled()
    acks.resume()
    vi.advanceTimersByTime(599)
    expect(settle).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(settle).toHaveBeenCalledExactlyOnceWith(TIMEOUT)
  })

  test('the remaining time is kept over several pauses', () => {
    const settle = recorder()
    acks.add(1000, settle)
    for (let pauses = 0; pauses < 3; pauses++) {
      vi.advanceTimersByTime(300)
      acks.pause()
      vi.advanceTimersByTime(700)
      acks.resume()
    }
    vi.advanceTimersByTime(99)
    expect(settle).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(settle).toHaveBeenCalledExactlyOnceWith(TIMEOUT)
  })

  test('pausing or resuming twice is the same as once', () => {
    const settle = recorder()
    acks.add(1000, settle)
    acks.resume()
    vi.advanceTimersByTime(400)
    acks.pause()
    vi.advanceTimersByTime(400)
    acks.pause()
    acks.resume()
    vi.advanceTimersByTime(400)
    acks.resume()
    vi.advanceTimersByTime(199)
    expect(settle).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(settle).toHaveBeenCalledTimes(1)
  })

  test('a request made during a pause has its whole time afterwards', () => {
    const settle = recorder()
    acks.pause()
    acks.add(1000, settle)
    vi.advanceTimersByTime(60_000)
    acks.resume()
    vi.advanceTimersByTime(999)
    expect(settle).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(settle).toHaveBeenCalledExactlyOnceWith(TIMEOUT)
  })

  test('an answer during a pause counts', () => {
    const settle = recorder()
    const id = acks.add(1000, settle)
    acks.pause()
    acks.settle(id, ANSWER)
    acks.resume()
    vi.advanceTimersByTime(5000)
    expect(settle).toHaveBeenCalledExactlyOnceWith(ANSWER)
  })

  test.each([false, true])('closing ends every request, paused: %s', (paused) => {
    const settles = [recorder(), recorder(), recorder()]
    const ids = settles.map((settle) => acks.add(1000, settle))
    acks.settle(ids[1] ?? -1, ANSWER)
    if (paused) acks.pause()
    acks.close()
    acks.resume()
    vi.advanceTimersByTime(5000)
    expect(settles[0]).toHaveBeenCalledExactlyOnceWith(CLOSED)
    expect(settles[1]).toHaveBeenCalledExactlyOnceWith(ANSWER)
    expect(settles[2]).toHaveBeenCalledExactlyOnceWith(CLOSED)
    expect(acks.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
