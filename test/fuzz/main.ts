import { parseArgs } from 'node:util'
import { PARSERS } from './parsers/index.js'
import { fuzzParsers } from './parsers/run.js'
import { fuzzSockets, messageOf } from './sockets/run.js'
import { WAYS } from './sockets/transcript.js'

/** Random inputs for each parser that strangers reach, and random transcripts at the sockets of real servers: `npm run fuzz`. */

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 2 ** 31)) },
    /** Inputs at sockets; parsers get ten times as many. */
    inputs: { type: 'string', default: '1000000' },
    /** Seconds for all of it; a third of them for parsers. */
    seconds: { type: 'string' },
    /** `parsers`, `sockets`, or the name of a parser or of a way to the server. */
    only: { type: 'string' }
  }
})
const [seed, inputs] = [Number(values.seed), Number(values.inputs)]
const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds)
if (!Number.isInteger(seed) || !(inputs > 0) || !(seconds > 0)) {
  throw new Error('--seed is a whole number, --inputs and --seconds are numbers above 0')
}
const { only } = values
const way = WAYS.find((way) => way === only)
const parsers = PARSERS.filter(({ name }) => only === undefined || only === 'parsers' || only === name)
const isAtSockets = only === undefined || only === 'sockets' || way !== undefined
if (parsers.length === 0 && !isAtSockets) {
  const names = [...WAYS, ...PARSERS.map(({ name }) => name)].join(', ')
  throw new Error(`--only is parsers, sockets, or one of ${names}`)
}

console.log(`seed ${seed}: npm run fuzz -- --seed ${seed}${only === undefined ? '' : ` --only ${only}`}`)
let failures = 0

if (parsers.length > 0) {
  const ms = (isAtSockets ? seconds / 3 : seconds) * 1_000
  const outcome = await fuzzParsers({ seed, parsers, inputs: 10 * inputs, ms })
  for (const { parser, input, error } of outcome.failures) {
    failures++
    console.log(`WRONG: ${parser}: ${messageOf(error)}\n${error instanceof Error ? error.stack : ''}`)
    console.log(`for test/fuzz/corpus/parsers.ts:\n  { parser: '${parser}', input: ${input} },`)
  }
  console.log(
    `${parsers.length} parsers: ${outcome.inputs} inputs in ${inSeconds(outcome.ms)}, ${outcome.failures.length} faults`
  )
}

if (isAtSockets) {
  const ms = (parsers.length > 0 ? (seconds * 2) / 3 : seconds) * 1_000
  const outcome = await fuzzSockets({ seed, inputs, ms, only: way })
  if (outcome.failure !== undefined) {
    failures++
    console.log(`WRONG: ${messageOf(outcome.failure.error)}`)
    const { transcripts } = outcome.failure
    if (transcripts.length === 0) console.log('it did not happen again with the same transcripts')
    else console.log(`for test/fuzz/corpus/transcripts.ts:\n  ${JSON.stringify(transcripts)},`)
  }
  const servers = outcome.servers.map(
    ({ kind, peakBytes, lastBytes, slowest, metrics }) =>
      `${kind} server: RSS ${inMegabytes(lastBytes)} at the end, ${inMegabytes(peakBytes)} at most, slowest /health ` +
      `${Math.round(slowest)} ms; ${reached(metrics)}`
  )
  const faults = outcome.failure === undefined ? 0 : 1
  const sent = `${outcome.inputs} inputs in ${outcome.transcripts} transcripts in ${inSeconds(outcome.ms)}`
  console.log(`sockets: ${sent}, ${faults} faults`)
  for (const line of servers) console.log(line)
}

console.log(failures === 0 ? `all is well; seed ${seed}` : `failed; seed ${seed}`)
process.exit(failures === 0 ? 0 : 1)

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`
}

/** How deep inputs went: joins and dials that succeeded, and how many different reasons were given for what did not. */
function reached(metrics: ReadonlyMap<string, number>): string {
  const reasons = [...metrics].filter(([name, count]) => name.includes('{reason=') && count > 0).length
  const count = (name: string): number => metrics.get(`rendezvous_${name}`) ?? 0
  const [joins, dials] = [count('joins_total_success'), count('dials_total_success')]
  return `${joins} joins, ${dials} dials, ${count('relayed_chunks_total')} chunks, ${reasons} reasons for refusing, dropping, closing`
}
