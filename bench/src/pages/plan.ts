import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import { select, type Entry } from '../schedule.js'
import type { Bench } from '../trial.js'
import { pageCaseName, type PageCase } from './cases.js'
import { PAGE_PEER_NAMES, PAGE_PEERS, type PagePeerName } from './contenders.js'

const JOINS = 10
/** Milliseconds beyond those of measuring: packages may have to be installed first. */
const GRACE = 240_000

export const PAGES: Bench<PageCase, PagePeerName> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: PAGE_PEERS,
  nameOf: pageCaseName,
  graceOf: () => GRACE
}

export const LARGE_WRITES: PageCase = { kind: 'transfer', size: 65_536 }

/** What is measured with these options. */
export function planOf(options: Options<PagePeerName>): Entry<PageCase, PagePeerName>[] {
  const { runs } = options
  const entries: Entry<PageCase, PagePeerName>[] = [
    { case: LARGE_WRITES, contenders: PAGE_PEER_NAMES, runs },
    // A relay tells nobody of anybody, and how soon a node of js-libp2p is discovered is in the figures of bench libp2p.
    { case: { kind: 'join', count: JOINS }, contenders: ['client'], runs }
  ]
  return select(PAGES, entries, options)
}
