import { readdirSync, readFileSync } from 'node:fs'

/** File descriptors of this process, those of connections among them. */
export interface OpenFiles {
  readonly limit: number
  readonly used: number
}

/** Reads the figures from procfs; undefined on systems other than Linux, and if there is no limit. */
export function readOpenFiles(): OpenFiles | undefined {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
    return Number.isInteger(limit) ? { limit, used: readdirSync('/proc/self/fd').length } : undefined
  } catch {
    return undefined
  }
}
