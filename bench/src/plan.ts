import { fileURLToPath } from 'node:url'
import { nameOf, type Case } from './cases.js'
import type { WriteMode } from './load/sender.js'
import type { Options } from './options.js'
import { select, type Entry } from './schedule.js'
import { CONTENDERS, hasBufferutil, type ContenderName } from './servers/contenders.js'
import type { Bench } from './trial.js'

type RelayEntry = Entry<Case, ContenderName>

const KIB = 1024
const PAYLOADS = [100, KIB, 16 * KIB, 64 * KIB]
const PAIRS = [1, 50]
const MODES = ['bursts', 'singles', 'lockstep'] as const
/** The size whose cost depends most on how payloads are unmasked. */
const LARGE = 64 * KIB
/** A circuit relay carries bytes, not messages: there is nothing to gain from more cases. */
const CIRCUIT_PAYLOADS = new Set([100, LARGE])
const STARS: readonly ContenderName[] = ['ours', 'legacy']
const RELAYS: readonly ContenderName[] = [...STARS, 'forwarder']
/** Cases that are long, and vary little. */
const MEMORY_RUNS = 3
const DIALS_RUNS = 1

/** Time beyond that of measuring, in milliseconds, and per dial. */
const GRACE = 240_000
const DIAL_GRACE = 3

export const RELAY: Bench<Case, ContenderName> = {
  trialProcess: fileURLToPath(new URL('./trial-process.js', import.meta.url)),
  contenders: CONTENDERS,
  nameOf,
  graceOf: (of) => GRACE + (of.kind === 'dials' ? of.count * DIAL_GRACE : 0)
}

/** What is measured with these options. */
export function planOf(options: Options<ContenderName>): RelayEntry[] {
  return select(RELAY, everyEntry(options), options)
}

function everyEntry(options: Options<ContenderName>): RelayEntry[] {
  const { quick, long, runs } = options
  const entries: RelayEntry[] = []
  for (const payload of quick ? [100, LARGE] : PAYLOADS) {
    for (const pairs of PAIRS) {
      for (const mode of MODES) {
        if (quick && isLeftOutOfQuick(payload, pairs, mode)) continue
        const of: Case = { kind: 'throughput', payload, pairs, mode }
        const contenders = [...RELAYS]
        if (payload === LARGE && !quick && hasBufferutil()) contenders.push('ours-js')
        const isForCircuit = pairs === 1 && mode === 'bursts' && CIRCUIT_PAYLOADS.has(payload)
        if (isForCircuit && !(quick && payload !== LARGE)) contenders.push('circuit')
        entries.push({ case: of, contenders, runs })
      }
    }
  }
  entries.push({ case: { kind: 'latency', perSecond: 1000 }, contenders: RELAYS, runs })
  const pushed = { kind: 'memory', bytes: 400_000_000, patience: quick ? 1 : 20 } as const
  const memoryRuns = Math.min(runs, MEMORY_RUNS)
  entries.push({ case: { ...pushed, sender: 'legacy' }, contenders: RELAYS, runs: memoryRuns })
  entries.push({ case: { ...pushed, sender: 'windowed' }, contenders: ['ours'], runs: memoryRuns })
  const count = long ? 1_000_000 : quick ? 5_000 : 100_000
  entries.push({ case: { kind: 'dials', count }, contenders: quick ? ['ours'] : STARS, runs: DIALS_RUNS })
  return entries
}

function isLeftOutOfQuick(payload: number, pairs: number, mode: WriteMode): boolean {
  return (
    mode === 'singles' || (payload === LARGE && (mode !== 'bursts' || pairs > 1)) || (mode !== 'bursts' && pairs > 1)
  )
}
