import { readFileSync } from 'node:fs'

/** What a process has used, as its operating system counts it. */
export interface Usage {
  /** User and system time of all its threads, in microseconds. */
  cpu: number
  /** Resident bytes now, and at most so far. */
  rss: number
  peakRss: number
  /** System calls that read and that write, sockets included; NaN where they are not counted. */
  reads: number
  writes: number
}

/** Linux counts in hundredths of a second on every machine Node runs on (USER_HZ). */
const MICROSECONDS_PER_TICK = 10_000

/** Reads it from `/proc`, without a word to the process itself, which may be paused. */
export function readProcUsage(pid: number): Usage {
  const fields = readStat(pid)
  const ticks = Number(fields[11]) + Number(fields[12])
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return {
    cpu: ticks * MICROSECONDS_PER_TICK,
    rss: kibibytes(status, 'VmRSS'),
    peakRss: kibibytes(status, 'VmHWM'),
    ...calls(pid)
  }
}

/** Returns the fields of `/proc/<pid>/stat` from the state on. */
export function readStat(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name of the process, in parentheses, may hold spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function calls(pid: number): { reads: number; writes: number } {
  let text = ''
  try {
    text = readFileSync(`/proc/${pid}/io`, 'latin1')
  } catch {
    // A kernel built without task accounting has no such file.
  }
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { reads: count('syscr'), writes: count('syscw') }
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024
}
