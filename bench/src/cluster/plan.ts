import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import { select, type Entry } from '../schedule.js'
import type { Bench } from '../trial.js'
import { clusterCaseName, type ClusterCase } from './cases.js'
import { STAR_NAMES, STARS, type StarName } from './contenders.js'

const PEERS = 100_000
const QUICK_PEERS = 10_000
/** Of what is long, and varies little. */
const LONG_RUNS = 3
/** Milliseconds beyond those of measuring. */
const GRACE = 120_000

export const CLUSTER: Bench<ClusterCase, StarName> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: STARS,
  nameOf: clusterCaseName,
  graceOf: () => GRACE
}

export const LARGE_MESSAGES: ClusterCase = { kind: 'relay', load: 'raw', size: 65_536 }
export const CLIENT_MESSAGES: ClusterCase = { kind: 'relay', load: 'client', size: 65_536 }
export const SMALL_MESSAGES: ClusterCase = { kind: 'relay', load: 'raw', size: 100 }

/** What is measured with these options. */
export function planOf(options: Options<StarName>): Entry<ClusterCase, StarName>[] {
  const { runs, quick } = options
  const cases: ClusterCase[] = [
    LARGE_MESSAGES,
    CLIENT_MESSAGES,
    SMALL_MESSAGES,
    { kind: 'round-trip' },
    { kind: 'dial' }
  ]
  const entries: Entry<ClusterCase, StarName>[] = [
    ...cases.map((of) => ({ case: of, contenders: STAR_NAMES, runs })),
    {
      case: { kind: 'registry', peers: quick ? QUICK_PEERS : PEERS },
      contenders: ['two'],
      runs: Math.min(runs, LONG_RUNS)
    }
  ]
  return select(CLUSTER, entries, options)
}
