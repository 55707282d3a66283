import { CommanderError, type Command } from 'commander'
import type { ResolvedOptions, ServerOptions } from '../option-types.js'
import { InvalidOptionsError, parseOptions } from '../options.js'
import { ConfigFile } from './config-file.js'
import { buildCommand, buildDemoCommand } from './help.js'
import { withoutOldSpellings } from './old-spellings.js'
import { isSecret, optionSurfaces, type OptionSurface } from './option-surface.js'
import { surfaceAt, UsageError, usageErrorOf, type DescribeOption } from './usage-error.js'

export type CommandLineRequest =
  | { action: 'print'; text: string }
  | ({ action: 'serve' } & ServeRequest)
  | ({ action: 'demo' } & DemoRequest)

export interface ServeRequest {
  options: ResolvedOptions
  warnings: readonly string[]
  describe: DescribeOption
}

export interface DemoRequest extends ServeRequest {
  allowsLocalNetwork: boolean
  /** If the default port is in use, a free one will do. */
  anyPort: boolean
}

export interface CommandLineInput {
  /** Without the paths of node and of the script. */
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  version: string
}

const DEMO = 'demo'

/** Flags that take a secret, and misspellings of them. */
const LIKE_SECRET = /^-.*(pass|token|redis)/i

interface OptionValue {
  value: unknown
  /** As the operator wrote it, without a secret. */
  source: string
}

/**
 * Reads flags, environment variables and the configuration file, in this order of precedence.
 *
 * @throws {UsageError}
 */
export function readCommandLine({ args, env, version }: CommandLineInput): CommandLineRequest {
  const warnings: string[] = []
  const surfaces = optionSurfaces()
  const isDemo = args[0] === DEMO
  const command = isDemo ? buildDemoCommand(surfaces) : buildCommand(surfaces, version)
  const printed: string[] = []
  command.exitOverride().configureOutput({ writeOut: (text) => printed.push(text), writeErr: () => {} })
  try {
    command.parse(withoutOldSpellings(isDemo ? args.slice(1) : args, surfaces, warnings), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { action: 'print', text: printed.join('') }
    throw new UsageError(`${parseErrorText(error, command, args)}; websocket-star --help-all lists all options`)
  }

  const flags = command.opts<Record<string, unknown>>()
  if (flags['helpAll'] === true) {
    buildCommand(surfaces, version, true)
      .configureOutput({ writeOut: (text) => printed.push(text) })
      .outputHelp()
    return { action: 'print', text: printed.join('') }
  }
  const file = flags['config'] === undefined ? undefined : ConfigFile.read(String(flags['config']), surfaces)
  const values = new Map<OptionSurface, OptionValue>()
  for (const surface of surfaces) {
    const value = fromFlags(surface, flags) ?? fromEnvironment(surface, env, warnings) ?? fromFile(surface, file)
    if (value !== undefined) values.set(surface, value)
  }
  const describe: DescribeOption = (path) => {
    const surface = surfaceAt(surfaces, path)
    if (surface !== undefined) return values.get(surface)?.source ?? `--${surface.flag}`
    return file?.describe(path) ?? path.join('.')
  }
  const allowsLocalNetwork = flags['lan'] === true
  const input: Record<string, unknown> = { ...(isDemo ? demoDefaults(allowsLocalNetwork) : {}), ...file?.content }
  for (const surface of surfaces) {
    const value = values.get(surface)
    if (value !== undefined) setPath(input, surface.path, value.value)
    else if (surface.commandLineDefault !== surface.libraryDefault) setDefault(input, surface)
  }
  try {
    const request = { options: parseOptions(input as ServerOptions), warnings, describe }
    if (!isDemo) return { action: 'serve', ...request }
    return { action: 'demo', ...request, allowsLocalNetwork, anyPort: !('port' in input) }
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error
    throw usageErrorOf(error, surfaces, describe)
  }
}

function demoDefaults(allowsLocalNetwork: boolean): ServerOptions {
  return { host: allowsLocalNetwork ? '0.0.0.0' : '127.0.0.1', logLevel: 'warn' }
}

/** Returns commander's message without values: one of them may be a passphrase, or the second word of one. */
function parseErrorText(error: CommanderError, command: Command, args: readonly string[]): string {
  if (error.code === 'commander.excessArguments') {
    const isHarmless = command.args.every((arg) => /^[\w.-]+$/.test(arg)) && !args.some((arg) => LIKE_SECRET.test(arg))
    return isHarmless
      ? `unexpected argument ${command.args.join(' ')}`
      : 'unexpected argument: quote values with spaces'
  }
  return error.message
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^=']*)=.*'/s, "$1'")
    .replaceAll('\n', ' ')
}

function fromFlags(surface: OptionSurface, flags: Record<string, unknown>): OptionValue | undefined {
  // commander stores `--no-x` as an option x that is true until the flag is given.
  const isNegation = surface.flag.startsWith('no-')
  const name = surface.flag.replace(/^no-/, '').replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase())
  const value = flags[name]
  if (value === undefined || (isNegation && value === true)) return undefined
  if (surface.kind === 'switch') return { value: false, source: `--${surface.flag}` }
  const text = Array.isArray(value) ? value.join(' ') : String(value)
  return {
    value: surface.kind === 'number' ? numberOf(text) : value,
    source: `--${surface.flag} ${isSecret(surface) ? '…' : text}`
  }
}

/** Reads a variable as the old server did: an empty one counts as unset, and any text turns a switch off. */
function fromEnvironment(
  surface: OptionSurface,
  env: CommandLineInput['env'],
  warnings: string[]
): OptionValue | undefined {
  const text = env[surface.env]
  if (text === undefined || text === '') return undefined
  const source = `${surface.env}=${isSecret(surface) ? '…' : text}`
  switch (surface.kind) {
    case 'switch':
      if (/^(0|false|no|off)$/i.test(text)) {
        warnings.push(`${source} has the effect of --${surface.flag}, as with the old server; unset it to prevent that`)
      }
      return { value: false, source }
    case 'number':
      return { value: numberOf(text), source }
    case 'list':
      return { value: text.split(',').map((part) => part.trim()), source }
    case 'string':
      return { value: text, source }
  }
}

function fromFile({ path }: OptionSurface, file: ConfigFile | undefined): OptionValue | undefined {
  const value = file?.valueAt(path)
  return file === undefined || value === undefined ? undefined : { value, source: file.describe(path) }
}

function numberOf(text: string): number | string {
  return /^\d{1,16}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text
}

/** Sets a default of the command line, unless the file has something invalid in place of the group. */
function setDefault(input: Record<string, unknown>, surface: OptionSurface): void {
  const group = input[surface.path[0] ?? '']
  if (group === undefined || isObject(group)) setPath(input, surface.path, surface.commandLineDefault)
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    target[name] = value
    return
  }
  const group = target[name]
  const copy = isObject(group) ? { ...group } : {}
  target[name] = copy
  setPath(copy, rest, value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
