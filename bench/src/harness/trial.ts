import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Skipped, type Case, type Conditions } from './measure.js'
import type { Suite } from './suite.js'

/** What the process of a trial is started with. */
interface Task extends Conditions {
  suite: string
  contender: string
  case: Case
}

type Outcome = { figures: object } | { skipped: string } | { failed: string }

const TRIAL_PROCESS = fileURLToPath(new URL('../trial-process.js', import.meta.url))
/** Milliseconds beyond those of measuring: packages may have to be installed first. */
const GRACE = 240_000

/** Measures in a process of its own, so that no trial inherits what another left in its heap and its compiled code. */
export async function runTrial(suite: Suite, contender: string, of: Case, conditions: Conditions): Promise<Outcome> {
  const node = suite.contenders[contender]?.node ?? suite.node
  const task: Task = { suite: suite.name, contender, case: of, ...conditions }
  const child = fork(TRIAL_PROCESS, [JSON.stringify(task)], { execPath: (await node?.()) ?? process.execPath })
  const patience = conditions.seconds * 1000 + GRACE + (suite.extraTime?.(of) ?? 0)
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  const outcome = await new Promise<Outcome>((resolve) => {
    child.once('message', (outcome: Outcome) => resolve(outcome))
    child.once('exit', (code, signal) => resolve({ failed: `the load ended by itself (${signal ?? code})` }))
  })
  clearTimeout(timer)
  return outcome
}

/** In the process of a trial: measures, and tells the process that started this one what came out. */
export async function serveTrial(load: (suite: string) => Promise<Suite>): Promise<void> {
  const finish = (outcome: Outcome): void => void process.send?.(outcome, () => process.exit())
  process.on('uncaughtException', (error) =>
    finish(error instanceof Skipped ? { skipped: error.message } : { failed: error.stack ?? error.message })
  )
  process.on('disconnect', () => process.exit())
  const task = JSON.parse(process.argv[2] ?? '') as Task // written by the process that started this one
  const { suite: name, contender: by, case: of, ...conditions } = task
  const suite = await load(name)
  const [measure, contender] = [suite.measures[of.kind], suite.contenders[by]]
  if (measure === undefined || contender === undefined) throw new Error(`bench ${name} measures no ${of.kind} of ${by}`)
  finish({ figures: await measure(of, { contender, ...conditions }) })
}
