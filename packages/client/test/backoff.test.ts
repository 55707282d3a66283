import { expect, test } from 'vitest'
import { Backoff } from '../src/backoff.js'

test('waits half as long again each time, up to a limit', () => {
  const backoff = new Backoff({ initial: 100, max: 1000 }, () => 0.5)
  expect(Array.from({ length: 8 }, () => Math.round(backoff.next()))).toEqual([
    100, 150, 225, 338, 506, 759, 1000, 1000
  ])
  expect(backoff.attempts).toBe(8)
})

test('begins anew after a success', () => {
  const backoff = new Backoff({ initial: 100, max: 1000 }, () => 0.5)
  backoff.next()
  backoff.next()
  backoff.reset()
  expect(backoff.attempts).toBe(0)
  expect(backoff.next()).toBe(100)
})

test('spreads clients from half to one and a half times that', () => {
  expect(new Backoff({ initial: 100 }, () => 0).next()).toBe(50)
  expect(new Backoff({ initial: 100 }, () => 0.999).next()).toBeCloseTo(149.9)
  const backoff = new Backoff()
  const pauses = new Set(Array.from({ length: 20 }, () => backoff.next()))
  expect(pauses.size).toBe(20)
})

test('goes on for ever, and never beyond half again the limit', () => {
  const backoff = new Backoff()
  for (let attempt = 0; attempt < 5000; attempt++) expect(backoff.next()).toBeLessThan(45_000)
})
