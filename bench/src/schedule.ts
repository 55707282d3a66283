import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { nameOf, type Figures, type Trial } from './cases.js'
import type { Options } from './options.js'
import type { Entry } from './plan.js'
import { CONTENDERS, type ContenderName } from './servers/contenders.js'
import type { TrialOutcome } from './trial-process.js'

/** What all runs of one case brought, by contender. */
export interface Result {
  entry: Entry
  figures: Map<ContenderName, Figures[]>
  /** Why a contender has no figures, or fewer. */
  remarks: string[]
}

const TRIAL_PROCESS = fileURLToPath(new URL('./trial-process.js', import.meta.url))
/** Time beyond that of measuring, in milliseconds, and per dial. */
const TRIAL_GRACE = 240_000
const DIAL_GRACE = 3

/**
 * Runs all trials, interleaved: each run goes through all cases, and in each case through all contenders, so that
 * whatever slows the machine for a while slows all of them.
 */
export async function runAll(entries: readonly Entry[], options: Options): Promise<Result[]> {
  const results = entries.map((entry): Result => ({ entry, figures: new Map(), remarks: [] }))
  const total = entries.reduce((sum, { contenders, runs }) => sum + contenders.length * runs, 0)
  let done = 0
  for (let run = 0; run < options.runs; run++) {
    for (const { entry, figures, remarks } of results) {
      if (run >= entry.runs) continue
      for (const contender of entry.contenders) {
        const name = nameOf(entry.case)
        progress(`${++done}/${total} ${name} ${contender}`)
        const warmup = options.quick ? 0.3 : 1
        const outcome = await runTrial({ contender, case: entry.case, warmup, seconds: options.seconds })
        if ('figures' in outcome) figures.set(contender, [...(figures.get(contender) ?? []), outcome.figures])
        else if ('skipped' in outcome) remarks.push(`${name}, ${contender}: skipped, ${outcome.skipped}`)
        else remarks.push(`${name}, ${contender}: FAILED, ${outcome.failed}`)
      }
    }
  }
  progress('')
  return results
}

/** In a process of its own, so that no trial inherits what another left in its heap and its compiled code. */
export async function runTrial(trial: Trial): Promise<TrialOutcome> {
  const execPath = (await CONTENDERS[trial.contender].node?.()) ?? process.execPath
  const child = fork(TRIAL_PROCESS, [JSON.stringify(trial)], { execPath })
  const limit = trial.seconds * 1000 + TRIAL_GRACE + (trial.case.kind === 'dials' ? trial.case.count * DIAL_GRACE : 0)
  const timer = setTimeout(() => child.kill('SIGKILL'), limit)
  const outcome = await new Promise<TrialOutcome>((resolve) => {
    child.once('message', (outcome: TrialOutcome) => resolve(outcome))
    child.once('exit', (code, signal) => resolve({ failed: `the load ended by itself (${signal ?? code})` }))
  })
  clearTimeout(timer)
  return outcome
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}
