import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { profileTables } from './report/cpu-profile.js'
import { runTrial, type Bench } from './trial.js'

/** Runs cases under V8's profiler and prints where the time of each process goes. */
export async function profile<Case, Name extends string>(
  bench: Bench<Case, Name>,
  contender: Name,
  cases: readonly Case[],
  roles: readonly string[],
  seconds: number
): Promise<void> {
  for (const of of cases) {
    const profiles = mkdtempSync(join(tmpdir(), 'bench-profile-'))
    const outcome = await runTrial(bench, { contender, case: of, warmup: 1, seconds, profiles })
    if ('failed' in outcome) throw new Error(outcome.failed)
    for (const role of roles) {
      console.log(`## ${bench.nameOf(of)}, ${role}\n\n${profileTables(profiles, role)}\n`)
    }
    rmSync(profiles, { recursive: true })
  }
}
