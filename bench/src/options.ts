import { parseArgs } from 'node:util'
import { CONTENDERS, type ContenderName } from './servers/contenders.js'

export interface Options {
  runs: number
  /** Seconds each case is measured. */
  seconds: number
  quick: boolean
  long: boolean
  /** Contenders; none named: all. */
  only: readonly ContenderName[]
  /** Parts of the names of cases; none: all. */
  cases: readonly string[]
  json: string | undefined
  write: boolean
  profile: boolean
}

export const USAGE = `Usage: npm run bench relay -- [options]

Measures the relaying of this server beside the legacy one, a plain ws forwarder and a js-libp2p circuit relay.

  --runs N          interleaved runs, of which the median counts (default 5; 1 with --quick)
  --seconds S       seconds each case is measured (default 2; 0.6 with --quick)
  --only A,B        contenders: ${Object.keys(CONTENDERS).join(', ')}
  --cases A,B       cases whose name contains one of these, such as 100B, 64KiB/50, singles, latency, memory, dials
  --quick           a few cases, briefly: about a minute
  --long            a million dials instead of a hundred thousand
  --json FILE       write every figure of every run
  --write           write docs/benchmarks.md and docs/benchmarks-relay.svg
  --profile         profile this server instead and print where its time goes
`

/** A mistake in the flags; the message says which. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options {
  const values = readFlags(args)
  const quick = values.quick === true
  return {
    runs: numberOf('runs', values.runs) ?? (quick ? 1 : 5),
    seconds: numberOf('seconds', values.seconds) ?? (quick ? 0.6 : 2),
    quick,
    long: values.long === true,
    only: listOf(values.only).map(contenderOf),
    cases: listOf(values.cases),
    json: values.json,
    write: values.write === true,
    profile: values.profile === true
  }
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string' },
        seconds: { type: 'string' },
        only: { type: 'string' },
        cases: { type: 'string' },
        json: { type: 'string' },
        quick: { type: 'boolean' },
        long: { type: 'boolean' },
        write: { type: 'boolean' },
        profile: { type: 'boolean' }
      }
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number > 0)) throw new UsageError(`--${name} takes a number above 0, not ${text}`)
  return number
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((part) => part.trim())
}

function contenderOf(name: string): ContenderName {
  if (name in CONTENDERS) return name as ContenderName // as was just checked
  throw new UsageError(`--only takes ${Object.keys(CONTENDERS).join(', ')}, not ${name}`)
}
