import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ATTACKS } from './attacks/index.js'
import { enterNamespace } from './namespace.js'
import { missesOf, summaryOf, tableOf } from './report.js'
import { runTrial, type Result } from './trial.js'

/** Attacks a server while well-behaved clients use it, and shows what they notice: `npm run attack`. */

const HERE = fileURLToPath(new URL('../..', import.meta.url))

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '10' },
    /** Megabytes a second of all attackers together. */
    rate: { type: 'string', default: '25' },
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    server: { type: 'string', default: HERE },
    json: { type: 'string' }
  }
})
const [connections, seconds, rate] = [Number(values.connections), Number(values.seconds), Number(values.rate)]
if (!Number.isInteger(connections) || connections < 1) throw new Error('--connections is a whole number from 1')
if (!(seconds > 0 && rate > 0)) throw new Error('--seconds and --rate are numbers above 0')
const names = values.only?.split(',') ?? ATTACKS.map(({ name }) => name)
const unknown = names.filter((name) => !ATTACKS.some((attack) => attack.name === name))
if (unknown.length > 0) throw new Error(`There is no attack named ${unknown.join(', ')}; --list names them`)

if (values.list) {
  for (const { name, about } of ATTACKS) console.log(`${name.padEnd(24)}${about}`)
  process.exit()
}
await enterNamespace()

console.log(
  `${names.length} attacks on ${values.server}, ${connections} connections and ${seconds} s each unless a row says otherwise, ${rate} MB/s of all attackers;` +
    ` ${cpus().length} cores, Node ${process.version}. As root, well-behaved clients run at a better priority than the others.\n`
)
const results: Result[] = []
const failed: string[] = []
for (const attack of ATTACKS.filter(({ name }) => names.includes(name))) {
  try {
    const result = await runTrial(attack, { checkout: values.server, connections, seconds, rate: rate * 1e6 })
    results.push(result)
    console.log(summaryOf(result))
  } catch (error) {
    failed.push(attack.name)
    console.log(`FAIL ${attack.name}: no figures, since ${error instanceof Error ? error.message : String(error)}`)
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`)
}
const missed = results.filter((result) => missesOf(result).length > 0)
console.log(`\n${tableOf(results)}\n\n${results.length - missed.length} of ${names.length} rows meet the goals`)
if (failed.length > 0) console.log(`No figures of ${failed.join(', ')}`)
process.exit(missed.length + failed.length === 0 ? 0 : 1)
