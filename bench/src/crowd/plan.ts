import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import { select, type Entry } from '../schedule.js'
import type { Bench } from '../trial.js'
import { crowdCaseName, type CrowdCase } from './cases.js'
import { CROWD_SERVERS, type CrowdServer } from './contenders.js'
import type { JoinsCase } from './joins.js'

type CrowdEntry = Entry<CrowdCase, CrowdServer>

const BOTH: readonly CrowdServer[] = ['ours', 'legacy']
const OURS: readonly CrowdServer[] = ['ours']

const IDLE = [100, 250, 500, 1000, 2500, 5000, 10_000]
const QUICK_IDLE = [100, 1000]
/** Where the legacy server stops answering, or nearly: it tells everyone of everyone. */
const LEGACY_PEERS = 1000
/** What it can hold. */
const SMALL_CROWD = 500
const QUICK_LEGACY_PEERS = 100
const ROUNDS_INTERVAL = 2000
/** Of what the legacy server can hold without spending most of its time on announcing. */
const JOINS = 250
const QUICK_JOINS = 100
const KEYS: readonly JoinsCase['key'][] = ['RSA-2048', 'Ed25519', 'none']
const STORM = 5000
const NEWCOMERS = 10
const QUICK_NEWCOMERS = 3

/** Milliseconds beyond those of measuring, and per peer: the legacy server takes its time to let a thousand join. */
const GRACE = 240_000
const PEER_GRACE = 20

export const PEERS: Bench<CrowdCase, CrowdServer> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: CROWD_SERVERS,
  nameOf: crowdCaseName,
  graceOf: (of) => GRACE + (of.kind === 'join' ? 0 : of.peers * PEER_GRACE)
}

/** What is measured with these options. */
export function planOf(options: Options<CrowdServer>): CrowdEntry[] {
  const entries = [
    ...idleCases(options.quick),
    ...joinCases(options.quick),
    ...stormCases(options.quick),
    ...roundsCases(options.quick),
    ...newcomerCases(options.quick)
  ]
  return select(
    PEERS,
    entries.map(([of, contenders]) => ({ case: of, contenders, runs: options.runs })),
    options
  )
}

type Planned = readonly [of: CrowdCase, contenders: readonly CrowdServer[]]

function idleCases(quick: boolean): Planned[] {
  const legacyPeers = quick ? QUICK_LEGACY_PEERS : LEGACY_PEERS
  return (quick ? QUICK_IDLE : IDLE).map((peers) => [{ kind: 'idle', peers }, peers <= legacyPeers ? BOTH : OURS])
}

function joinCases(quick: boolean): Planned[] {
  if (quick) {
    return [
      [{ kind: 'join', key: 'RSA-2048', joins: QUICK_JOINS, stay: false }, OURS],
      [{ kind: 'join', key: 'Ed25519', joins: QUICK_JOINS, stay: false }, OURS],
      [{ kind: 'join', key: 'none', joins: QUICK_JOINS, stay: true }, BOTH]
    ]
  }
  return KEYS.flatMap((key) =>
    [true, false].map((stay): Planned => [
      { kind: 'join', key, joins: JOINS, stay },
      key === 'Ed25519' ? OURS : BOTH // the legacy server cannot read such keys
    ])
  )
}

function stormCases(quick: boolean): Planned[] {
  const small: CrowdCase = { kind: 'storm', peers: SMALL_CROWD }
  return quick
    ? [[small, OURS]]
    : [
        [small, BOTH],
        [{ kind: 'storm', peers: STORM }, OURS]
      ]
}

function roundsCases(quick: boolean): Planned[] {
  const counts = quick ? [256] : [256, 1000]
  return counts.map((peers) => [{ kind: 'rounds', peers, interval: ROUNDS_INTERVAL }, OURS])
}

function newcomerCases(quick: boolean): Planned[] {
  const large: Planned = [{ kind: 'newcomer', peers: 1000, newcomers: quick ? QUICK_NEWCOMERS : NEWCOMERS }, OURS]
  return quick ? [large] : [[{ kind: 'newcomer', peers: SMALL_CROWD, newcomers: NEWCOMERS }, BOTH], large]
}
