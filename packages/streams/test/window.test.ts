import { CREDIT_MAX, InvalidOptionsError } from '@websocket-star/protocol'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ReceiveWindow, WINDOW_INITIAL, WINDOW_MAX } from '../src/window.js'

let now: number
const clock = (): number => now

beforeEach(() => {
  now = 0
})

function opened(initial: number, max: number): ReceiveWindow {
  const window = new ReceiveWindow({ initial, max }, clock)
  window.open()
  return window
}

/** A sender that has all it wants to send, `roundTrip` away from the window, and a reader that reads at once. */
function run(window: ReceiveWindow, windowsToSend: number, roundTrip: number, perMillisecond = 1_000_000): void {
  let credit = window.size
  for (let sent = 0; sent < windowsToSend; sent++) {
    const bytes = credit
    now += roundTrip + bytes / perMillisecond
    window.received(bytes)
    credit = window.consumed(bytes)
  }
}

describe('the bounds of a window', () => {
  test.each([
    { initial: 0 },
    { initial: -1 },
    { initial: Number.NaN },
    { initial: 1.5 },
    { max: 100.5 },
    { initial: 10, max: 9 },
    { max: CREDIT_MAX + 1 },
    { max: Number.POSITIVE_INFINITY },
    { initial: CREDIT_MAX * 2, max: CREDIT_MAX }
  ])('refuse %o', (options) => {
    expect(() => new ReceiveWindow(options)).toThrow(InvalidOptionsError)
  })

  test('are 256 KiB and 4 MiB unless told', () => {
    expect([WINDOW_INITIAL, WINDOW_MAX]).toEqual([256 * 1024, 4 * 1024 * 1024])
    const window = new ReceiveWindow({}, clock)
    window.open()
    expect(window.size).toBe(WINDOW_INITIAL)
    run(window, 100, 100)
    expect(window.size).toBe(WINDOW_MAX)
  })

  test('may be as much as can be granted', () => {
    expect(new ReceiveWindow({ initial: CREDIT_MAX, max: CREDIT_MAX }).size).toBe(CREDIT_MAX)
    expect(new ReceiveWindow({ initial: 1, max: 1 }).size).toBe(1)
  })
})

describe('grants', () => {
  test('come once a quarter of the window has been consumed, and make it whole again', () => {
    const window = opened(1000, 1000)
    expect(window.received(1000)).toBe(0)
    expect(window.consumed(249)).toBe(0)
    expect(window.consumed(1)).toBe(250)
    expect(window.consumed(0)).toBe(0)
    expect(window.consumed(750)).toBe(750)
    expect(window.unread).toBe(0)
  })

  test('are for what was consumed, not for what came', () => {
    const window = opened(1000, 1000)
    window.received(1000)
    expect(window.consumed(0)).toBe(0)
    expect(window.unread).toBe(1000)
  })

  test('tell how much more came than was granted', () => {
    const window = opened(1000, 1000)
    expect(window.received(1001)).toBe(1)
    expect(window.received(10)).toBe(11)
    // What was too much is not granted again.
    expect(window.consumed(1011)).toBe(1011)
    expect(window.received(1000)).toBe(0)
    expect(window.received(1)).toBe(1)
  })

  test('of a message larger than one grant may be come one after the other', () => {
    const window = opened(1000, 1000)
    const bytes = 2 * CREDIT_MAX + 5
    window.received(bytes)
    expect([window.consumed(bytes), window.consumed(0), window.consumed(0), window.consumed(0)]).toEqual([
      CREDIT_MAX,
      CREDIT_MAX,
      0,
      0
    ])
    // The five bytes are owed, and come with the next.
    window.received(1000)
    expect(window.consumed(1000)).toBe(1005)
  })

  test('never let more be under way than the window, whoever sends and reads how', () => {
    const step = fc.tuple(fc.constantFrom('send', 'read'), fc.nat({ max: 3000 }), fc.nat({ max: 50 }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat({ max: 2000 }), fc.array(step), (initial, more, steps) => {
        now = 0
        const window = opened(initial, initial + more)
        let credit = initial
        for (const [what, bytes, time] of steps) {
          now += time
          if (what === 'send') {
            const sent = Math.min(bytes, credit)
            credit -= sent
            expect(window.received(sent)).toBe(0)
          } else {
            const granted = window.consumed(Math.min(bytes, window.unread))
            expect(granted === 0 || (Number.isInteger(granted) && granted >= 1 && granted <= CREDIT_MAX)).toBe(true)
            credit += granted
          }
          expect(window.unread + credit).toBeLessThanOrEqual(window.size)
          expect(window.size).toBeLessThanOrEqual(initial + more)
          // A sender without credit always has something to hope for.
          if (credit === 0) expect(window.unread).toBeGreaterThan(0)
        }
      })
    )
  })
})

describe('the size of a window', () => {
  test('doubles while it is used up within three round trips', () => {
    const window = opened(1000, 100_000)
    run(window, 1, 100)
    expect(window.size).toBe(2000)
    run(window, 1, 100)
    expect(window.size).toBe(4000)
    run(window, 20, 100)
    expect(window.size).toBe(100_000)
  })

  test('stays when the reader is what is slow', () => {
    const window = opened(1000, 100_000)
    // The first byte came after a millisecond.
    now += 1
    window.received(1000)
    for (let read = 0; read < 100; read++) {
      now += 10
      const credit = window.consumed(250)
      expect(credit).toBe(250)
      now += 1
      window.received(credit)
    }
    expect(window.size).toBe(1000)
  })

  test('stays when the sender sends little', () => {
    const window = opened(1000, 100_000)
    for (let sent = 0; sent < 100; sent++) {
      now += 10
      window.received(10)
      window.consumed(10)
    }
    // A round trip of ten milliseconds, and a hundred for each window.
    expect(window.size).toBe(1000)
  })

  test('is judged by the shortest round trip, not by a sender that began late', () => {
    const window = opened(1000, 100_000)
    now += 60_000
    run(window, 1, 1)
    now += 10_000
    run(window, 5, 1)
    const { size } = window
    // Ten seconds for each window, when a byte takes a millisecond.
    for (let sent = 0; sent < 10; sent++) {
      now += 10_000
      window.received(size)
      window.consumed(size)
    }
    expect(window.size).toBe(size)
  })

  test('counts time from when the sender was told, not from when it was made', () => {
    const late = new ReceiveWindow({ initial: 1000, max: 100_000 }, clock)
    now += 60_000
    late.open()
    now += 1
    late.received(1000)
    now += 1000
    late.consumed(1000)
    // A thousand milliseconds are many round trips of one.
    expect(late.size).toBe(1000)
  })
})
