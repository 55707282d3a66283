import { parseArgs } from 'node:util'
import { table } from '../chaos/report.js'
import { Soak } from './soak.js'

/** One server with default options, clients of all kinds for a long time, and nothing left at the end: `npm run soak`. */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) }
  }
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes is a number above 0, --seed a whole number')

console.log(`seed ${seed}, ${minutes} minutes: npm run soak -- --seed ${seed} --minutes ${minutes}`)
const soak = new Soak(minutes, seed)
const { report } = soak
try {
  await soak.run()
} catch (error) {
  report.violated(error instanceof Error ? String(error.stack) : String(error))
}
console.log(`\n${table(soak.summary())}\n`)
for (const violation of report.violations) console.log(`WRONG: ${violation}`)
console.log(report.violations.length === 0 ? `all is well; seed ${seed}` : `failed; seed ${seed}`)
process.exit(report.violations.length === 0 ? 0 : 1)
