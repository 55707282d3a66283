import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { profileTables } from '../report/cpu-profile.js'
import type { Options } from './options.js'
import type { Suite } from './suite.js'
import { runTrial } from './trial.js'

/** Runs cases under V8's profiler and prints where the time of each process goes. */
export async function profile(suite: Suite, { only, seconds }: Pick<Options, 'only' | 'seconds'>): Promise<void> {
  const { cases, roles } = suite.profiled
  const contender = only[0] ?? suite.profiled.contender
  for (const of of cases) {
    const profiles = mkdtempSync(join(tmpdir(), 'bench-profile-'))
    const outcome = await runTrial(suite, contender, of, { warmup: 1, seconds, profiles })
    if ('failed' in outcome) throw new Error(outcome.failed)
    for (const role of roles(contender)) {
      console.log(`## ${suite.nameOf(of)}, ${role}\n\n${profileTables(profiles, role)}\n`)
    }
    rmSync(profiles, { recursive: true })
  }
}
