import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import type { Way } from '../peers/libp2p-node.js'
import { select, type Entry } from '../schedule.js'
import type { Bench } from '../trial.js'
import { libp2pCaseName, type Libp2pCase } from './cases.js'
import { WAY_NAMES, WAYS } from './contenders.js'

const DIALS = 50
const DISCOVERIES = 10
/** Milliseconds beyond those of measuring: packages may have to be installed first. */
const GRACE = 240_000

export const LIBP2P: Bench<Libp2pCase, Way> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: WAYS,
  nameOf: libp2pCaseName,
  graceOf: () => GRACE
}

export const LARGE_WRITES: Libp2pCase = { kind: 'transfer', size: 65_536, delay: 0 }

/** What is measured with these options. */
export function planOf(options: Options<Way>): Entry<Libp2pCase, Way>[] {
  const { runs } = options
  const entries: Entry<Libp2pCase, Way>[] = [
    { case: LARGE_WRITES, contenders: WAY_NAMES, runs },
    { case: { kind: 'dial', count: DIALS }, contenders: WAY_NAMES, runs },
    // Nothing of a relay, or of WebSockets, tells of nodes that have come.
    { case: { kind: 'discovery', count: DISCOVERIES }, contenders: ['star'], runs }
  ]
  return select(LIBP2P, entries, options)
}
