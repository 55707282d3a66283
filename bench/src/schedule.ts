import type { Options } from './options.js'
import { runTrial, type Bench } from './trial.js'

/** A case and those it is done to. */
export interface Entry<Case, Name extends string> {
  case: Case
  contenders: readonly Name[]
  runs: number
}

/** What all runs of one case brought, by contender. */
export interface Result<Case, Name extends string, Figures> {
  entry: Entry<Case, Name>
  figures: Map<Name, Figures[]>
  /** Why a contender has no figures, or fewer. */
  remarks: string[]
}

export interface ScheduleOptions {
  runs: number
  /** Seconds each case is measured. */
  seconds: number
  quick: boolean
}

/** Of all that could be measured, the cases and contenders that are asked for. */
export function select<Case, Name extends string>(
  { nameOf }: Bench<Case, Name>,
  entries: readonly Entry<Case, Name>[],
  { only, cases }: Pick<Options<Name>, 'only' | 'cases'>
): Entry<Case, Name>[] {
  return entries
    .filter((entry) => cases.length === 0 || cases.some((part) => nameOf(entry.case).includes(part)))
    .map((entry) => ({
      ...entry,
      contenders: entry.contenders.filter((name) => only.length === 0 || only.includes(name))
    }))
    .filter(({ contenders }) => contenders.length > 0)
}

/**
 * Runs all trials, interleaved: each run goes through all cases, and in each case through all contenders, so that
 * whatever slows the machine for a while slows all of them.
 */
export async function runAll<Case, Name extends string, Figures>(
  bench: Bench<Case, Name>,
  entries: readonly Entry<Case, Name>[],
  options: ScheduleOptions
): Promise<Result<Case, Name, Figures>[]> {
  const results = entries.map((entry): Result<Case, Name, Figures> => ({ entry, figures: new Map(), remarks: [] }))
  const total = entries.reduce((sum, { contenders, runs }) => sum + contenders.length * runs, 0)
  let done = 0
  for (let run = 0; run < options.runs; run++) {
    for (const { entry, figures, remarks } of results) {
      if (run >= entry.runs) continue
      for (const contender of entry.contenders) {
        const name = bench.nameOf(entry.case)
        progress(`${++done}/${total} ${name} ${contender}`)
        const warmup = options.quick ? 0.3 : 1
        const trial = { contender, case: entry.case, warmup, seconds: options.seconds }
        const outcome = await runTrial<Case, Name, Figures>(bench, trial)
        if ('figures' in outcome) figures.set(contender, [...(figures.get(contender) ?? []), outcome.figures])
        else if ('skipped' in outcome) remarks.push(`${name}, ${contender}: skipped, ${outcome.skipped}`)
        else remarks.push(`${name}, ${contender}: FAILED, ${outcome.failed}`)
      }
    }
  }
  progress('')
  return results
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}
