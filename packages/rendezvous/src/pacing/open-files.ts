import { readdirSync, readFileSync } from 'node:fs'

/** The files, connections among them, that this process may have open. */
export interface OpenFiles {
  readonly limit: number
  /** How many are open now. */
  readonly used: number
}

/** Reads what Linux says of this process; undefined on systems that do not say it, and without a limit. */
export function readOpenFiles(): OpenFiles | undefined {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    return Number.isInteger(limit) ? { limit, used: readdirSync('/proc/self/fd').length } : undefined
  } catch {
    return undefined
  }
}
