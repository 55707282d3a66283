import { expect, test } from 'vitest'
import { FailedAttempts } from '../../src/http/failed-attempts.js'

test('a network that has failed a few times has to wait, and others do not', () => {
  const attempts = new FailedAttempts()
  for (let count = 0; count < 4; count++) {
    expect(attempts.mayTry('192.0.2.1', 0)).toBe(true)
    attempts.note('192.0.2.1', 0)
  }
  expect(attempts.mayTry('192.0.2.1', 0)).toBe(false)
  expect(attempts.mayTry('192.0.2.2', 0)).toBe(true)
  expect(attempts.mayTry('192.0.2.1', 999)).toBe(false)
  expect(attempts.mayTry('192.0.2.1', 1_000)).toBe(true)
})

test('a subscriber with many addresses is one network', () => {
  const attempts = new FailedAttempts()
  for (let count = 0; count < 4; count++) attempts.note(`2001:db8::${count + 1}`, 0)
  expect(attempts.mayTry('2001:db8::99', 0)).toBe(false)
  expect(attempts.mayTry('2001:db8:0:1::1', 0)).toBe(true)
})

test('of so many networks that not all can be remembered, the latest are', () => {
  const attempts = new FailedAttempts()
  for (let count = 0; count < 5_000; count++) {
    for (let round = 0; round < 4; round++) attempts.note(`10.0.${count >> 8}.${count & 255}`, 0)
  }
  expect(attempts.mayTry('10.0.19.135', 0)).toBe(false)
  expect(attempts.mayTry('10.0.0.0', 0)).toBe(true)
})
