import { ZodError } from 'zod'
import type { InvalidOptionsError } from '../options.js'
import type { OptionSurface } from './option-surface.js'

/** Mistake of the operator, described in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Names an option as the operator wrote it, such as `--port 99`, `PORT=99` or `star.json:3: port`. */
export type DescribeOption = (path: readonly string[]) => string

/** Flags and variables of these kinds always have the right type, so the value comes from the configuration file. */
const EXPECTED_IN_FILE: Partial<Record<OptionSurface['kind'], string>> = {
  switch: 'true or false',
  list: 'an array of texts'
}

export function usageErrorOf(
  error: InvalidOptionsError,
  surfaces: readonly OptionSurface[],
  describe: DescribeOption
): UsageError {
  const parts = error.problems.map(({ path, message }) => {
    const surface = surfaceAt(surfaces, path)
    const isSchemaError = error.cause instanceof ZodError && surface !== undefined
    return `${describe(path)}: ${isSchemaError ? `expected ${EXPECTED_IN_FILE[surface.kind] ?? surface.allowed}` : message}`
  })
  return new UsageError(parts.join('; '), { cause: error })
}

/** Returns the option at a path, or the one that contains it. */
export function surfaceAt(surfaces: readonly OptionSurface[], path: readonly string[]): OptionSurface | undefined {
  return surfaces.find((candidate) => candidate.path.every((name, depth) => name === path[depth]))
}
