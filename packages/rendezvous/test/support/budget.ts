import { Budget } from '../../src/budget/budget.js'
import type { BudgetLimits } from '../../src/budget/limits.js'
import { budgetLimits } from '../../src/compose.js'
import { parseOptions } from '../../src/options.js'

/** A budget with the limits of a server, but for those that are given. */
export function budgetWith(limits: Partial<BudgetLimits> = {}, now?: () => number): Budget {
  return new Budget({ ...budgetLimits(parseOptions({})), ...limits }, now)
}

/** Does at once what is to be done in turn. */
export const AT_ONCE = {
  take: (task: () => void): boolean => {
    task()
    return true
  }
}
