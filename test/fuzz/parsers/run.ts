import type { Parser, ParserFailure } from './parser.js'

export interface ParserPlan {
  readonly seed: number
  readonly parsers: readonly Parser[]
  /** Inputs to read, or milliseconds to take: whichever is over first. */
  readonly inputs: number
  readonly ms: number
}

export interface ParserOutcome {
  readonly inputs: number
  readonly ms: number
  readonly failures: readonly (ParserFailure & { readonly parser: string })[]
}

/** Gives each parser its share of inputs, again and again, until all have been read. One that fails is left out then. */
export async function fuzzParsers({ seed, parsers, inputs, ms }: ParserPlan): Promise<ParserOutcome> {
  const begin = performance.now()
  const failures: (ParserFailure & { parser: string })[] = []
  const well = new Set(parsers)
  let read = 0
  for (let round = 0; well.size > 0; round++) {
    for (const parser of well) {
      const elapsed = performance.now() - begin
      if (read >= inputs || elapsed > ms) return { inputs: read, ms: elapsed, failures }
      const count = Math.min(parser.share, inputs - read)
      const failure = await parser.check((seed + Math.imul(round, 0x9e3779b9)) | 0, count)
      read += count
      if (failure === undefined) continue
      failures.push({ ...failure, parser: parser.name })
      well.delete(parser)
    }
  }
  return { inputs: read, ms: performance.now() - begin, failures }
}
