import { fork } from 'node:child_process'

export interface Conditions {
  /** Seconds before the figures are taken, and while they are. */
  warmup: number
  seconds: number
  /** The folder that profiles of the processes are to be written to, if any are. */
  profiles?: string
}

/** One case, done to one contender that was started for it, from a process that was started for it. */
export interface Trial<Case, Name extends string> extends Conditions {
  contender: Name
  case: Case
}

export type TrialOutcome<Figures> = { figures: Figures } | { skipped: string } | { failed: string }

/** A contender turned out not to be able to do what it was to do; the message says why. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** What is measured: cases, each of which can be done to several contenders. */
export interface Bench<Case, Name extends string> {
  /** The module that runs one trial. */
  trialProcess: string
  contenders: Readonly<Record<Name, { title: string; node?: () => Promise<string> }>>
  nameOf(of: Case): string
  /** Milliseconds a case may take beyond the seconds it is measured. */
  graceOf(of: Case): number
}

const PROFILE_INTERVAL = 200

/** In a process of its own, so that no trial inherits what another left in its heap and its compiled code. */
export async function runTrial<Case, Name extends string, Figures>(
  { trialProcess, contenders, graceOf }: Bench<Case, Name>,
  trial: Trial<Case, Name>
): Promise<TrialOutcome<Figures>> {
  const execPath = (await contenders[trial.contender].node?.()) ?? process.execPath
  const child = fork(trialProcess, [JSON.stringify(trial)], { execPath })
  const timer = setTimeout(() => child.kill('SIGKILL'), trial.seconds * 1000 + graceOf(trial.case))
  const outcome = await new Promise<TrialOutcome<Figures>>((resolve) => {
    child.once('message', (outcome: TrialOutcome<Figures>) => resolve(outcome))
    child.once('exit', (code, signal) => resolve({ failed: `the load ended by itself (${signal ?? code})` }))
  })
  clearTimeout(timer)
  return outcome
}

/**
 * In the process of a trial: runs it, and tells the process that started this one what came out.
 *
 * @param measure - undefined if the contender cannot do that; may throw {@link Skipped}
 */
export async function serveTrial<Case, Name extends string, Figures>(
  measure: (trial: Trial<Case, Name>) => Promise<Figures | undefined>,
  why: string
): Promise<void> {
  const trial = JSON.parse(process.argv[2] ?? '') as Trial<Case, Name> // written by the process that started this one
  const finish = (outcome: TrialOutcome<Figures>): void => void process.send?.(outcome, () => process.exit())
  process.on('uncaughtException', (error) =>
    finish(error instanceof Skipped ? { skipped: error.message } : { failed: error.stack ?? error.message })
  )
  process.on('disconnect', () => process.exit())
  const figures = await measure(trial)
  finish(figures === undefined ? { skipped: why } : { figures })
}

/** Arguments of a node that is to write a profile named after its role. */
export function profileFlags(folder: string | undefined, role: string): string[] {
  if (folder === undefined) return []
  const into = [`--cpu-prof-dir=${folder}`, `--cpu-prof-name=${role}.cpuprofile`]
  return ['--cpu-prof', ...into, `--cpu-prof-interval=${PROFILE_INTERVAL}`]
}
