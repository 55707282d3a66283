import { readFileSync } from 'node:fs'

/** Files a process has open besides its peers, and some to spare. */
const OTHERS = 200

/** How many files this process, and those it starts, may have open; infinity where that can't be read. */
export function openFileLimit(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Infinity)
  } catch {
    return Infinity
  }
}

/** Whether a process may hold so many connections. */
export function hasRoomFor(peers: number): boolean {
  return peers + OTHERS <= openFileLimit()
}
