import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { ZodError } from 'zod'
import { InvalidOptionsError, parseOptions, type RendezvousInput, type RendezvousOptions } from '../options.js'
import { isSecret, kebabCase, optionSurfaces, type OptionSurface } from './option-surface.js'

/** A mistake in what the operator gave; the message is one line that says what was given and what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What the operator wants. */
export type Request =
  | { action: 'print'; text: string }
  | ({ action: 'serve' } & ServeRequest)
  | ({ action: 'demo' } & DemoRequest)

/** To run a server. */
export interface ServeRequest {
  options: RendezvousOptions
  warnings: readonly string[]
  describe: DescribeOption
}

/** To run one to try things with. */
export interface DemoRequest extends ServeRequest {
  /** Devices of the local network reach it too. */
  lan: boolean
  /** The port may be another one, if that of the options is taken. */
  anyPort: boolean
}

/** Names an option as the operator gave it (`--port 99`, `PORT=99`), for messages about its value. */
export type DescribeOption = (path: readonly string[]) => string

export interface CommandLineInput {
  /** Without the paths of node and of the script. */
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  version: string
}

/** Runs a server of this machine alone, with pages to try it in. */
const DEMO = 'demo'

/** Flags that take a secret, and slips of the hand for them. */
const LIKE_SECRET = /^-.*(pass|token|redis)/i

/** An option as it was given: by flag, by environment variable or in the configuration file. */
interface Given {
  value: unknown
  /** As the operator wrote it. */
  as: string
}

/**
 * Reads the command line. A flag counts before an environment variable, that before the configuration file, that before
 * the default.
 *
 * @throws {UsageError}
 */
export function readCommandLine({ args, env, version }: CommandLineInput): Request {
  const warnings: string[] = []
  const surfaces = optionSurfaces()
  const isDemo = args[0] === DEMO
  const command = isDemo ? buildDemoCommand(surfaces) : buildCommand(surfaces, version)
  const printed: string[] = []
  command.exitOverride().configureOutput({ writeOut: (text) => printed.push(text), writeErr: () => {} })
  try {
    command.parse(oldSpellings(isDemo ? args.slice(1) : args, surfaces, warnings), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { action: 'print', text: printed.join('') }
    throw new UsageError(`${complaintOf(error, command, args)}; --help lists all options`)
  }

  const flags = command.opts<Record<string, unknown>>()
  const file = flags['config'] === undefined ? undefined : readConfigFile(String(flags['config']))
  const given = new Map<OptionSurface, Given>()
  for (const surface of surfaces) {
    const found = fromFlags(surface, flags) ?? fromEnvironment(surface, env, warnings) ?? fromFile(surface, file)
    if (found !== undefined) given.set(surface, found)
  }
  const describe: DescribeOption = (path) => {
    const surface = surfaces.find((candidate) => candidate.path.every((name, depth) => name === path[depth]))
    if (surface !== undefined) return given.get(surface)?.as ?? `--${surface.flag}`
    return [...path, ...(file === undefined ? [] : [`in ${file.path}`])].join(' ')
  }
  const lan = flags['lan'] === true
  const input = isDemo ? { ...demoDefaults(lan), ...file?.content } : { ...file?.content }
  for (const [surface, { value }] of given) setPath(input, surface.path, value)
  try {
    const request = { options: parseOptions(input as RendezvousInput), warnings, describe }
    if (!isDemo) return { action: 'serve', ...request }
    return { action: 'demo', ...request, lan, anyPort: !('port' in input) }
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error
    throw usageErrorOf(error, surfaces, describe)
  }
}

/** Nobody but this machine is let in, unless that is what is wanted. */
function demoDefaults(lan: boolean): RendezvousInput {
  return { host: lan ? '0.0.0.0' : '127.0.0.1', logLevel: 'warn' }
}

/** One line for options that cannot be used as they were given. */
export function usageErrorOf(
  error: InvalidOptionsError,
  surfaces: readonly OptionSurface[],
  describe: DescribeOption
): UsageError {
  const lines = error.problems.map(({ path, message }) => {
    const surface = surfaces.find((candidate) => candidate.path.every((name, depth) => name === path[depth]))
    const isShape = error.cause instanceof ZodError && surface !== undefined
    return `${describe(path)}: ${isShape ? `it takes ${surface.allowed}` : message}`
  })
  return new UsageError(lines.join('; '), { cause: error })
}

function buildCommand(surfaces: readonly OptionSurface[], version: string): Command {
  const command = new Command('websocket-star')
    .description(
      'Rendezvous server of the WebSocketStar protocol: peers find each other and exchange streams through it.'
    )
    .helpOption('-h, --help', 'show this help; "-h ADDRESS" still means --host')
    .version(version, '--version', 'show the version')
    .option('--config <file>', 'JSON file with options; its keys are those of docs/options.md')
  addOptions(command, surfaces)
  command.addHelpText(
    'after',
    `
Durations are milliseconds, sizes are bytes. A flag counts before its environment variable.
websocket-star ${DEMO} runs a server of this machine alone, to try it in two tabs of a browser: see ${DEMO} --help`
  )
  return command
}

function buildDemoCommand(surfaces: readonly OptionSurface[]): Command {
  const command = new Command(`websocket-star ${DEMO}`)
    .description('Runs a server of this machine alone, and says where to try it in a browser.')
    .helpOption('-h, --help', 'show this help')
    .option('--lan', 'let other devices of the local network in, such as a phone')
    .option('--config <file>', 'JSON file with options; its keys are those of docs/options.md')
  const defaults = new Map<string, unknown>(Object.entries(demoDefaults(false)))
  addOptions(
    command,
    surfaces.map((surface) => ({ ...surface, default: defaults.get(surface.path.join('.')) ?? surface.default }))
  )
  return command
}

function addOptions(command: Command, surfaces: readonly OptionSurface[]): void {
  command.allowExcessArguments(false).configureHelp({ helpWidth: 110 })
  for (const surface of surfaces) {
    const names = `${surface.short === undefined ? '' : `-${surface.short}, `}--${surface.flag}`
    const option = new Option(surface.kind === 'switch' ? names : `${names} <${surface.value}>`, helpTextOf(surface))
    if (surface.kind === 'list') option.argParser((text: string, all: string[] | undefined) => [...(all ?? []), text])
    command.addOption(option)
  }
}

function helpTextOf(surface: OptionSurface): string {
  const hasDefault = surface.kind !== 'switch' && surface.kind !== 'list' && surface.default !== undefined
  return `${surface.description} (${hasDefault ? `default ${String(surface.default)}, ` : ''}env ${surface.env})`
}

/** Returns what commander says, without values: one of them may be a passphrase, or the second word of one. */
function complaintOf(error: CommanderError, command: Command, args: readonly string[]): string {
  if (error.code === 'commander.excessArguments') {
    const isHarmless = command.args.every((arg) => /^[\w.-]+$/.test(arg)) && !args.some((arg) => LIKE_SECRET.test(arg))
    return isHarmless
      ? `${command.args.join(' ')}: no argument is taken`
      : 'no argument is taken: quote values with spaces'
  }
  return error.message
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^=']*)=.*'/s, "$1'")
    .replaceAll('\n', ' ')
}

/**
 * Spellings of the old command line that commander does not know: camel case, `-h ADDRESS`, and `-p=PORT`.
 */
function oldSpellings(args: readonly string[], surfaces: readonly OptionSurface[], warnings: string[]): string[] {
  const valued = new Set([
    '--config',
    '-p',
    ...surfaces.flatMap(({ kind, flag }) => (kind === 'switch' ? [] : `--${flag}`))
  ])
  const switches = new Set(surfaces.flatMap(({ kind, flag }) => (kind === 'switch' ? `--${flag}` : [])))
  const result: string[] = []
  let isValue = false
  for (const [index, arg] of args.entries()) {
    if (isValue) {
      result.push(arg)
      isValue = false
      continue
    }
    const short = /^-([hp])=?(.+)$/s.exec(arg)
    const [name = '', ...value] = arg.startsWith('--') ? arg.split('=') : []
    const flag = kebabCase(name)
    const next = args[index + 1]
    if (arg === '-h' && next !== undefined && !next.startsWith('-')) {
      warnings.push(`-h ${next} is read as --host ${next}; write --host`)
      result.push('--host')
    } else if (short?.[1] === 'h') {
      warnings.push(`${arg} is read as --host ${short[2]}; write --host`)
      result.push('--host', short[2] ?? '')
    } else if (short?.[1] === 'p') {
      result.push('--port', short[2] ?? '')
    } else if (switches.has(flag) && value.length > 0) {
      // Any value turned it off.
      if (value[0] !== 'true') warnings.push(`${arg} is read as ${flag}`)
      result.push(flag)
    } else if (/^--[a-z]+[A-Z]/.test(name)) {
      result.push([flag, ...value].join('='))
    } else {
      result.push(arg)
    }
    isValue = valued.has(result.at(-1) ?? '')
  }
  return result
}

function fromFlags(surface: OptionSurface, flags: Record<string, unknown>): Given | undefined {
  // commander takes `--no-x` for an option x that is on until the flag is given.
  const isNegation = surface.flag.startsWith('no-')
  const name = surface.flag.replace(/^no-/, '').replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase())
  const value = flags[name]
  if (value === undefined || (isNegation && value === true)) return undefined
  if (surface.kind === 'switch') return { value: false, as: `--${surface.flag}` }
  const text = Array.isArray(value) ? value.join(' ') : String(value)
  return {
    value: surface.kind === 'number' ? numberOf(text) : value,
    as: `--${surface.flag} ${isSecret(surface) ? '…' : text}`
  }
}

/** As the old server read it: an empty variable is as good as none, and any text turns a switch off. */
function fromEnvironment(surface: OptionSurface, env: CommandLineInput['env'], warnings: string[]): Given | undefined {
  const text = env[surface.env]
  if (text === undefined || text === '') return undefined
  const as = `${surface.env}=${isSecret(surface) ? '…' : text}`
  switch (surface.kind) {
    case 'switch':
      if (/^(0|false|no|off)$/i.test(text)) {
        warnings.push(`${as} turns it off all the same, as with the old server; unset it to leave it on`)
      }
      return { value: false, as }
    case 'number':
      return { value: numberOf(text), as }
    case 'list':
      return { value: text.split(',').map((part) => part.trim()), as }
    case 'string':
      return { value: text, as }
  }
}

interface ConfigFile {
  path: string
  content: Record<string, unknown>
}

function fromFile(surface: OptionSurface, file: ConfigFile | undefined): Given | undefined {
  let value: unknown = file?.content
  for (const name of surface.path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[name] // an object, as was just checked
  }
  return value === undefined ? undefined : { value, as: `${surface.path.join('.')} in ${file?.path}` }
}

function readConfigFile(path: string): ConfigFile {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new Error('it holds no object')
    return { path, content: structuredClone(content) as Record<string, unknown> } // an object, as was just checked
  } catch (error) {
    // A syntax error quotes the file, in which there may be a passphrase.
    const message =
      error instanceof SyntaxError ? 'it is no JSON' : error instanceof Error ? error.message : String(error)
    throw new UsageError(`--config ${path}: ${message}`, {
      cause: error
    })
  }
}

/** What is no number stays text, which the schema then refuses. */
function numberOf(text: string): number | string {
  return /^\d{1,16}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    target[name] = value
    return
  }
  const group = target[name]
  const copy = typeof group === 'object' && group !== null ? { ...group } : {}
  target[name] = copy
  setPath(copy, rest, value)
}
