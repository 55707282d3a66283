import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import { select, type Entry } from '../schedule.js'
import type { Bench } from '../trial.js'
import { clientCaseName, type ClientCase } from './cases.js'
import { CLIENTS, type ClientName } from './contenders.js'

type ClientEntry = Entry<ClientCase, ClientName>

const KIB = 1024
const ALL: readonly ClientName[] = ['ours', 'ours-whatwg', 'legacy', 'circuit']
const OURS: readonly ClientName[] = ['ours']
/** Milliseconds, each way. */
const DELAYS = [50, 100]
const CLIENT_COUNT = 200
/** Cases that are long, and vary little. */
const LONG_RUNS = 3
/** Milliseconds beyond those of measuring: packages may have to be installed first. */
const GRACE = 240_000

export const CLIENT: Bench<ClientCase, ClientName> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: CLIENTS,
  nameOf: clientCaseName,
  graceOf: () => GRACE
}

export const LARGE_WRITES: ClientCase = { kind: 'transfer', size: 64 * KIB, delay: 0 }
export const SMALL_WRITES: ClientCase = { kind: 'transfer', size: 100, delay: 0 }

/** What is measured with these options. */
export function planOf(options: Options<ClientName>): ClientEntry[] {
  const { runs, quick } = options
  const longRuns = Math.min(runs, LONG_RUNS)
  const pushed = { kind: 'memory', bytes: 200_000_000, patience: quick ? 1 : 5 } as const
  const entries: ClientEntry[] = [
    { case: LARGE_WRITES, contenders: ALL, runs },
    { case: SMALL_WRITES, contenders: ALL, runs },
    ...DELAYS.map((delay): ClientEntry => ({
      case: { kind: 'transfer', size: 64 * KIB, delay },
      contenders: OURS,
      runs
    })),
    { case: { ...pushed, receiver: 'never' }, contenders: OURS, runs: longRuns },
    { case: { ...pushed, receiver: 'stops' }, contenders: OURS, runs: longRuns },
    { case: { kind: 'restart', clients: CLIENT_COUNT, pause: 1 }, contenders: OURS, runs: longRuns }
  ]
  return select(CLIENT, entries, options)
}
