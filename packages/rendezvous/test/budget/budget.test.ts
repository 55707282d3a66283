import { beforeEach, describe, expect, test } from 'vitest'
import type { Budget } from '../../src/budget/budget.js'
import type { SessionAccount } from '../../src/budget/session-account.js'
import { budgetWith } from '../support/budget.js'

const STRANGER = { ip: '192.0.2.1', exempt: false, scope: 'global' } as const
const OTHER = { ip: '192.0.2.2', exempt: false, scope: 'global' } as const
const LOOPBACK = { ip: '127.0.0.1', exempt: true, scope: 'loopback' } as const
const LIMITS = {
  workPerSession: 50,
  workPerIp: 250,
  floodTimeout: 10_000,
  messageSize: 1_000,
  receivedBytesPerIp: 6_000,
  receivedBytes: 10_000,
  bufferedBytesPerIp: 4_000
}

let now: number
let budget: Budget
let closed: string[]

beforeEach(() => {
  now = 1_000_000
  budget = budgetWith(LIMITS, () => now)
  closed = []
})

function open(name: string, remote: typeof STRANGER | typeof OTHER | typeof LOOPBACK = STRANGER): SessionAccount {
  const account = budget.open(remote)
  account.address.sessions++
  account.session = { close: (reason) => closed.push(`${name}: ${reason}`) }
  return account
}

describe('CPU', () => {
  test('a session may use four seconds of its rate at once', () => {
    const account = open('a')
    account.charge('handshake', 199 / 0.3)
    expect([account.isOverBudget, account.debt]).toEqual([false, 0])
    account.charge('handshake', 51 / 0.3)
    expect(account.isOverBudget).toBe(true)
    expect(account.debt).toBeCloseTo(1_000)
    now += 1_001
    expect(account.isOverBudget).toBe(false)
  })

  test('sessions of one address share its limit equally; those of loopback have their own', () => {
    const accounts = Array.from({ length: 50 }, (_, index) => open(`${index}`))
    const local = Array.from({ length: 50 }, (_, index) => open(`local ${index}`, LOOPBACK))
    // New connections have a share of their own.
    for (const account of accounts) account.charge('handshake', 11 / 0.3)
    for (const account of local) account.charge('handshake', 190 / 0.3)
    expect(accounts.map(({ isOverBudget }) => isOverBudget)).toEqual(accounts.map(() => true))
    expect(local.map(({ isOverBudget }) => isOverBudget)).toEqual(local.map(() => false))
  })

  test('an address over its budget gets no new burst by reconnecting', () => {
    const first = open('a')
    first.charge('handshake', 1_100 / 0.3)
    expect(first.address.isOverBudget).toBe(true)
    const next = open('b')
    next.charge('frame')
    expect([next.isOverBudget, open('c', OTHER).isOverBudget]).toEqual([true, false])
  })

  test('is counted by kind', () => {
    open('a').charge('frame', 10)
    open('b', LOOPBACK).charge('join')
    expect(budget.done).toMatchObject({ frame: 0.03, join: 0.1, dial: 0 })
  })

  test('a session over its budget for long is a flood, unless it stops meanwhile', () => {
    const account = open('a')
    for (let step = 0; step < 19; step++, now += 500) expect(account.isFlooding(100)).toBe(false)
    now += 2_000
    expect(account.isFlooding(100)).toBe(false)
    for (let step = 0; step < 20; step++, now += 500) account.isFlooding(100)
    expect(account.isFlooding(100)).toBe(true)
  })
})

describe('bytes received', () => {
  test('of one session are limited to a few of the largest messages', () => {
    open('a').addReceived(4_001)
    expect(closed).toEqual(['a: unfinished messages'])
    expect(budget.received).toBe(0)
  })

  test('of one address are limited: the session with most is closed', () => {
    const [a, b, c] = [open('a'), open('b'), open('c')]
    a.addReceived(3_000)
    b.addReceived(2_000)
    c.addReceived(500)
    expect(closed).toEqual([])
    c.addReceived(1_000)
    expect(closed).toEqual(['a: unfinished messages'])
    expect(a.address.received).toBe(3_500)
    // The session still frees what it had received.
    a.addReceived(-3_000)
    expect([a.address.received, budget.received]).toEqual([3_500, 3_500])
  })

  test('of all sessions are limited, those of loopback included', () => {
    open('a', LOOPBACK).addReceived(3_900)
    open('b', LOOPBACK).addReceived(3_800)
    open('c', OTHER).addReceived(2_000)
    expect(closed).toEqual([])
    open('d').addReceived(1_000)
    expect(closed).toEqual(['a: unfinished messages'])
  })
})

describe('bytes queued', () => {
  test('for one address lower the allowance of each of its sessions if there are many', () => {
    const [a, b] = [open('a'), open('b')]
    a.setQueued(3_900)
    expect(b.allowance(8_000)).toBe(8_000)
    b.setQueued(200)
    expect(b.allowance(8_000)).toBe(2_000)
    expect(b.allowance(1_000)).toBe(1_000)
    expect(open('c', OTHER).allowance(8_000)).toBe(8_000)
    a.setQueued(0)
    expect(b.allowance(8_000)).toBe(8_000)
  })

  test('for loopback do not lower it', () => {
    const account = open('a', LOOPBACK)
    account.setQueued(100_000)
    expect(account.allowance(8_000)).toBe(8_000)
  })
})

test('an address is forgotten when it is idle and its bucket is full', () => {
  const account = open('a')
  const { address } = account
  account.charge('handshake')
  address.sessions--
  account.forget()
  budget.sweep()
  expect(budget.addressOf(STRANGER)).toBe(address)
  now += 10_000
  budget.sweep()
  expect(budget.addressOf(STRANGER)).not.toBe(address)
})
