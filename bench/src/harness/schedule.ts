import { UsageError, type Options } from './options.js'
import type { Entry, Result } from './results.js'
import type { Suite } from './suite.js'
import { runTrial } from './trial.js'

/**
 * Returns the cases and contenders that the options ask for.
 *
 * @throws {UsageError} if there are none
 */
export function planOf({ plan, nameOf }: Suite, { quick, long, runs, only, cases }: Omit<Options, 'json'>): Entry[] {
  const all = plan({ quick, long })
  const entries = all
    .filter(({ case: of }) => cases.length === 0 || cases.some((part) => nameOf(of).includes(part)))
    .map(({ case: of, contenders, runs: most = runs }) => ({
      case: of,
      contenders: contenders.filter((name) => only.length === 0 || only.includes(name)),
      runs: Math.min(runs, most)
    }))
    .filter(({ contenders }) => contenders.length > 0)
  if (entries.length > 0) return entries
  throw new UsageError(`nothing is left to measure; the cases are ${all.map(({ case: of }) => nameOf(of)).join(', ')}`)
}

/**
 * Runs all trials, interleaved: each run goes through all cases, and in each case through all contenders, so that
 * whatever slows the machine for a while slows all of them.
 */
export async function runAll(
  suite: Suite,
  entries: readonly Entry[],
  { runs, seconds, quick }: Pick<Options, 'runs' | 'seconds' | 'quick'>
): Promise<Result[]> {
  const results = entries.map((entry): Result => ({ entry, figures: new Map(), remarks: [] }))
  const total = entries.reduce((sum, { contenders, runs }) => sum + contenders.length * runs, 0)
  const conditions = { warmup: quick ? 0.3 : 1, seconds }
  let done = 0
  for (let run = 0; run < runs; run++) {
    for (const { entry, figures, remarks } of results) {
      if (run >= entry.runs) continue
      for (const contender of entry.contenders) {
        const name = suite.nameOf(entry.case)
        progress(`${++done}/${total} ${name} ${contender}`)
        const outcome = await runTrial(suite, contender, entry.case, conditions)
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
