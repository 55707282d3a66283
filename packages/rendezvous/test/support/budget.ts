import { Budget } from '../../src/budget/budget.js'
import type { BudgetLimits } from '../../src/budget/limits.js'
import { budgetLimits } from '../../src/compose.js'
import { parseOptions } from '../../src/options.js'

/** Returns a budget with the default limits of a server, except for those given. */
export function budgetWith(limits: Partial<BudgetLimits> = {}, now?: () => number): Budget {
  return new Budget({ ...budgetLimits(parseOptions({})), ...limits }, now)
}

/** Runs each task when it is submitted. */
export const SYNCHRONOUS_QUEUE = {
  submit: (task: () => void): boolean => {
    task()
    return true
  }
}
