import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from './report.js'
import { Run } from './run.js'

/** Several nodes, one Redis, some dozens of clients, and everything that can fail: `npm run chaos`. */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: process.env['CHAOS_MINUTES'] ?? '10' },
    seed: { type: 'string', default: process.env['CHAOS_SEED'] ?? String(Math.floor(Math.random() * 2 ** 32)) },
    /** A folder for what the nodes log. */
    logs: { type: 'string' },
    'go-on': { type: 'boolean', default: false }
  }
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes is a number above 0, --seed a whole number')

console.log(`seed ${seed}, ${minutes} minutes: npm run chaos -- --seed ${seed} --minutes ${minutes}`)
const run = new Run({ minutes, seed, isGoingOn: values['go-on'] })
const { report } = run
try {
  await run.run()
} catch (error) {
  report.violated(error instanceof Error ? String(error.stack) : String(error))
}
const lives = run.places?.lives ?? []
if (values.logs !== undefined) {
  await mkdir(values.logs, { recursive: true })
  for (const { name, process } of lives) await writeFile(join(values.logs, `${name}.log`), process.log.join('\n'))
}
console.log(`\n${table(report.summary(lives))}\n`)
for (const violation of report.violations) console.log(`WRONG: ${violation}`)
console.log(report.violations.length === 0 ? `all is well; seed ${seed}` : `failed; seed ${seed}`)
process.exit(report.violations.length === 0 ? 0 : 1)
