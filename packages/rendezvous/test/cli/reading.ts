import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readCommandLine, type CommandLineInput } from '../../src/cli/command-line.js'
import type { OptionSurface } from '../../src/cli/option-surface.js'
import { UsageError } from '../../src/cli/usage-error.js'
import type { ResolvedOptions } from '../../src/option-types.js'

export type Environment = CommandLineInput['env']

export function read(
  args: readonly string[],
  env: Environment = {}
): { options: ResolvedOptions; warnings: readonly string[] } {
  const request = readCommandLine({ args, env, version: '1.2.3' })
  if (request.action !== 'serve') throw new Error(`It does not serve, but ${request.action}`)
  return request
}

export function printed(args: readonly string[]): string {
  const request = readCommandLine({ args, env: {}, version: '1.2.3' })
  if (request.action !== 'print') throw new Error('It serves')
  return request.text
}

export function complaintOf(args: readonly string[], env: Environment = {}): string {
  try {
    read(args, env)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error('It has no complaint')
}

/** Writes a configuration file that is deleted after the test, and returns its path. */
export function configFile(content: string | object): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'star.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

export function nested([name = '', ...rest]: readonly string[], value: unknown): object {
  return { [name]: rest.length === 0 ? value : nested(rest, value) }
}

export function valueAt(options: unknown, { path }: OptionSurface): unknown {
  let value = options
  // a group on every step but the last
  for (const name of path) value = (value as Record<string, unknown>)[name]
  return value
}
