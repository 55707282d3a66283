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

function takeAll(take: () => boolean): number {
  let taken = 0
  while (taken < 1_000 && take()) taken++
  return taken
}

function joins(account: SessionAccount): number {
  return takeAll(() => account.admitRequest('join'))
}

test('each kind has its own rate and a burst of four times as many', () => {
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

test('requests counted for the session only do not count for its address', () => {
  const account = budget.open(ADDRESS)
  expect(takeAll(() => account.admitOwnRequest('join'))).toBe(8)
  expect(takeAll(() => account.address.admitRequest('join'))).toBe(12)
})

test('a sweep forgets full buckets only', () => {
  const account = budget.open(ADDRESS)
  expect(joins(account)).toBe(8)
  now += 3_999
  budget.sweep()
  expect(joins(account)).toBe(7)
  now += 4_000
  budget.sweep()
  expect(joins(account)).toBe(8)
})

test('an idle address is forgotten once its buckets are full', () => {
  const address = budget.addressOf(ADDRESS)
  expect(takeAll(() => address.admitRequest('join'))).toBe(12)
  now += 3_999
  budget.sweep()
  expect(budget.addressOf(ADDRESS)).toBe(address)
  now += 1
  budget.sweep()
  expect(budget.addressOf(ADDRESS)).not.toBe(address)
})
