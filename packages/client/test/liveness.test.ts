import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { isAlive, type LivenessProbe } from '../src/liveness.js'

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

/** A probe that nobody answers, and what it says after so many seconds: undefined if nothing yet. */
function silent(probe: Partial<LivenessProbe> = {}): { after(seconds: number): Promise<boolean | undefined> } {
  let verdict: boolean | undefined
  const ended = new Promise<void>(() => {})
  void isAlive({ ask() {}, hasAnswered: () => false, unsent: () => 0, ended, ...probe }).then((is) => (verdict = is))
  return {
    async after(seconds) {
      await vi.advanceTimersByTimeAsync(seconds * 1_000)
      return verdict
    }
  }
}

test('a server that answers is alive', async () => {
  let hasAnswered = false
  const probe = silent({ ask: () => setTimeout(() => (hasAnswered = true), 4_500), hasAnswered: () => hasAnswered })
  expect(await probe.after(4)).toBeUndefined()
  expect(await probe.after(1)).toBe(true)
})

test('one that says nothing for five seconds is not', async () => {
  const probe = silent()
  expect(await probe.after(4.9)).toBeUndefined()
  expect(await probe.after(0.2)).toBe(false)
})

test('one that takes what is sent is alive, however slowly', async () => {
  let unsent = 20
  const probe = silent({ unsent: () => unsent })
  const timer = setInterval(() => unsent--, 4_000)
  expect(await probe.after(60)).toBeUndefined()
  clearInterval(timer)
  expect(await probe.after(31)).toBe(false)
})

test('one that takes nothing more has as long as a server that has paused this client needs for a sign of life', async () => {
  const probe = silent({ unsent: () => 20 })
  expect(await probe.after(29)).toBeUndefined()
  expect(await probe.after(2)).toBe(false)
})

test('nothing is found out about a session that ends', async () => {
  const probe = silent({ ended: new Promise((resolve) => setTimeout(resolve, 500)) })
  expect(await probe.after(0.6)).toBe(true)
})
