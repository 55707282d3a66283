import { parseArgs } from 'node:util'

export interface Options {
  runs: number
  /** Seconds each case is measured. */
  seconds: number
  quick: boolean
  long: boolean
  /** Contenders; none named: all. */
  only: readonly string[]
  /** Parts of the names of cases; none: all. */
  cases: readonly string[]
  json: string | undefined
  write: boolean
  profile: boolean
}

/** A mistake in the flags; the message says which. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What is done if nothing is said of it. */
export interface Defaults {
  runs: number
  seconds: number
  /** With `--quick`. */
  quickSeconds: number
}

const DEFAULTS: Defaults = { runs: 5, seconds: 2, quickSeconds: 0.6 }

/** What the flags of a suite depend on. */
interface Suite {
  name: string
  contenders: object
  defaults?: Defaults
  hasLong?: boolean
}

/** @throws {UsageError} */
export function parseOptions(
  args: readonly string[],
  { name, contenders, defaults = DEFAULTS, hasLong = false }: Suite
): Options {
  const values = readFlags(args)
  const quick = values.quick === true
  if (values.long === true && !hasLong) throw new UsageError(`bench ${name} has no dials to count for --long`)
  return {
    runs: numberOf('runs', values.runs) ?? (quick ? 1 : defaults.runs),
    seconds: numberOf('seconds', values.seconds) ?? (quick ? defaults.quickSeconds : defaults.seconds),
    quick,
    long: values.long === true,
    only: listOf(values.only).map((name) => contenderOf(name, Object.keys(contenders))),
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

function contenderOf(name: string, names: readonly string[]): string {
  if (!names.includes(name)) throw new UsageError(`--only takes ${names.join(', ')}, not ${name}`)
  return name
}
