import { beforeEach, expect, test } from 'vitest'
import type { Budget } from '../../src/budget/budget.js'
import type { SessionAccount } from '../../src/budget/session-account.js'
import { budgetWith } from '../support/budget.js'

const ADDRESS = { ip: '192.0.2.1', exempt: false }

let now: number
let budget: Budget

beforeEach(() => {
  now = 1_000_000
  const rates = { joinRoundsPerSecond: 2, joinRoundsPerSecondPerIp: 3, dialsPerSecond: 1, dialsPerSecondPerIp: 100 }
  budget = budgetWith(rates, () => now)
})

/** Asks for as much as there is. @returns how much that was */
function takeAll(take: () => boolean): number {
  let taken = 0
  while (taken < 1_000 && take()) taken++
  return taken
}

function joins(account: SessionAccount): number {
  return takeAll(() => account.admitRequest('join'))
}

test('each kind has a rate of its own, of which four times as much may be asked for at once', () => {
  const account = budget.open(ADDRESS)
  expect(joins(account)).toBe(8)
  expect(takeAll(() => account.admitRequest('dial'))).toBe(4)
  now += 1_000
  expect(joins(account)).toBe(2)
  expect(takeAll(() => account.admitRequest('dial'))).toBe(1)
})

test('sessions of one address share its rate, those of exempt addresses do not', () => {
  expect([1, 2, 3].map(() => joins(budget.open(ADDRESS)))).toEqual([8, 4, 0])
  expect(joins(budget.open({ ip: '192.0.2.2', exempt: false }))).toBe(8)
  const exempt = { ip: '127.0.0.1', exempt: true }
  expect([1, 2, 3].map(() => joins(budget.open(exempt)))).toEqual([8, 8, 8])
})

test('what counts for the session alone leaves the rate of its address as it is', () => {
  const account = budget.open(ADDRESS)
  expect(takeAll(() => account.admitOwnRequest('join'))).toBe(8)
  expect(takeAll(() => account.address.admitRequest('join'))).toBe(12)
})

test('a sweep forgets only what would be counted no differently without it', () => {
  const account = budget.open(ADDRESS)
  expect(joins(account)).toBe(8)
  now += 3_999
  budget.sweep()
  expect(joins(account)).toBe(7)
  now += 4_000
  budget.sweep()
  expect(joins(account)).toBe(8)
})

test('a quiet address is forgotten once its rates are as good as new', () => {
  const address = budget.addressOf(ADDRESS)
  expect(takeAll(() => address.admitRequest('join'))).toBe(12)
  now += 3_999
  budget.sweep()
  expect(budget.addressOf(ADDRESS)).toBe(address)
  now += 1
  budget.sweep()
  expect(budget.addressOf(ADDRESS)).not.toBe(address)
})
