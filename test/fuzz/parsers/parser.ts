import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'

/** Milliseconds of CPU that reading one input may take. */
const TIME_LIMIT = 250
/** Times that an input is read before it counts as slow: memory may have been collected meanwhile. */
const READINGS = 3

/** A parser of what strangers send, and what has to hold for each input. */
export interface Parser {
  readonly name: string
  /** Inputs of a round; fewer where one costs more. */
  readonly share: number
  /** Reads random inputs, always the same ones for a seed. */
  check(seed: number, inputs: number): Promise<ParserFailure | undefined>
  /** Reads one input. @throws what is wrong */
  read(input: unknown): Promise<void>
}

export interface ParserFailure {
  /** The smallest input that fails, as an expression of JavaScript. */
  readonly input: string
  readonly error: unknown
}

export interface ParserParts<T> {
  readonly name: string
  readonly share: number
  readonly inputs: fc.Arbitrary<T>
  /** @throws or rejects if anything but what is documented happens */
  readonly read: (input: T) => void | Promise<void>
}

export function defineParser<T>({ name, share, inputs, read }: ParserParts<T>): Parser {
  // Promises cost more than most parsers do.
  const property = fc.property(inputs, (input) => timed(() => void read(input)))
  const asyncProperty = fc.asyncProperty(inputs, async (input) => await read(input))
  const isAsync = read.constructor.name === 'AsyncFunction'
  return {
    name,
    share,
    check: async (seed, numRuns) => {
      const result = isAsync ? await fc.check(asyncProperty, { seed, numRuns }) : fc.check(property, { seed, numRuns })
      if (!result.failed) return undefined
      return { input: fc.stringify(result.counterexample?.[0]), error: result.errorInstance }
    },
    read: async (input) => {
      // The corpus names the parser that an input is for.
      const typed = input as T
      if (isAsync) await read(typed)
      else timed(() => void read(typed))
    }
  }
}

/** @throws if it takes too long each time */
function timed(read: () => void): void {
  const begin = performance.now()
  read()
  // The time of a clock is cheap, but counts what other processes do.
  if (performance.now() - begin < TIME_LIMIT) return
  for (let left = READINGS; left > 0; left--) if (cpuTime(read) < TIME_LIMIT) return
  throw new Error(`it took more than ${TIME_LIMIT} ms of CPU`)
}

function cpuTime(action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

type ErrorClass = abstract new (...args: never[]) => Error

/** Returns what was read, or undefined if it was refused with a documented error; throws any other. */
export function readOrRefuse<T>(read: () => T, ...documented: ErrorClass[]): T | undefined {
  try {
    return read()
  } catch (error) {
    if (documented.some((type) => error instanceof type)) return undefined
    throw error
  }
}

export function same(what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return
  throw new Error(`${what}: got ${fc.stringify(got)}, expected ${fc.stringify(expected)}`)
}

export function holds(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Error(`not true: ${what}`)
}
