import type { Budget } from '../budget/budget.js'
import type { ListedAddress, ListedAddresses } from './status-messages.js'

const MAX_ADDRESSES = 50

/** Lists the most expensive addresses: those in debt first, then those with the most connections. */
export function listAddresses(budget: Budget): ListedAddresses {
  const all: ListedAddress[] = []
  for (const account of budget.addresses()) {
    if (account.isIdle) continue
    const { network, connections, sessions, received, queued, debt } = account
    all.push({ network, connections, sessions, received, queued, debt: Math.ceil(debt) })
  }
  const sorted = all.toSorted((a, b) => b.debt - a.debt || b.connections - a.connections)
  return { total: all.length, addresses: sorted.slice(0, MAX_ADDRESSES) }
}
