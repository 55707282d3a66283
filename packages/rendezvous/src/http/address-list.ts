import type { Budget } from '../budget/budget.js'
import type { AddressList, ListedAddress } from './status-messages.js'

/** Addresses that are listed at most. */
const MAX_ADDRESSES = 50

/** Lists the addresses that cost most, for operators: those that owe, then those with most connections. */
export function listAddresses(budget: Budget): AddressList {
  const all: ListedAddress[] = []
  for (const account of budget.addresses()) {
    if (account.isIdle) continue
    const { network, connections, sessions, received, queued, debt } = account
    all.push({ network, connections, sessions, received, queued, debt: Math.ceil(debt) })
  }
  const sorted = all.toSorted((a, b) => b.debt - a.debt || b.connections - a.connections)
  return { total: all.length, addresses: sorted.slice(0, MAX_ADDRESSES) }
}
