import { Command, Option } from 'commander'
import { GROUPS, type OptionSurface } from './option-surface.js'

const WIDTH = 110

/** @param isComplete - lists all options with their variables */
export function buildCommand(surfaces: readonly OptionSurface[], version: string, isComplete = false): Command {
  const command = new Command('websocket-star')
    .description(
      'Rendezvous server of the WebSocketStar protocol: peers find each other and exchange streams through it.'
    )
    .helpOption('-h, --help', 'show the most important options; "-h ADDRESS" still means --host')
    .option('--help-all', 'show all options and their environment variables')
    .version(version, '--version', 'show the version')
    .option('--config <file>', 'JSON file with options; its keys are those of docs/options.md')
  for (const surface of surfaces) {
    const option = optionOf(surface, isComplete ? `env ${surface.env}` : undefined)
    option.helpGroup(`${GROUPS[surface.group]}:`)
    command.addOption(isComplete || surface.isEssential ? option : option.hideHelp())
  }
  return configure(command).addHelpText(
    'after',
    `
Durations are milliseconds, sizes are bytes. A flag overrides its environment variable, which overrides the file.
The variable of --log-level is WEBSOCKET_STAR_LOG_LEVEL, and so on; --help-all lists all of them.
To try the server in two browser tabs: websocket-star demo`
  )
}

/** Returns a command that accepts all options, with help about those that a demo needs. */
export function buildDemoCommand(surfaces: readonly OptionSurface[]): Command {
  const command = new Command('websocket-star demo')
    .description('Starts a server for this machine only, and prints the address to open in a browser.')
    .helpOption('-h, --help', 'show this help')
    .option('--lan', 'let other devices of the local network connect, such as a phone')
    .addOption(new Option('--config <file>').hideHelp())
  for (const surface of surfaces) {
    if (surface.flag === 'port') {
      command.addOption(optionOf({ ...surface, description: 'TCP port to listen on; if 9090 is in use, a free one' }))
    } else command.addOption(optionOf(surface).hideHelp())
  }
  return configure(command)
}

function configure(command: Command): Command {
  return command.allowExcessArguments(false).configureHelp({ helpWidth: WIDTH })
}

function optionOf(surface: OptionSurface, environment?: string): Option {
  const { kind, short, flag, placeholder } = surface
  const names = `${short === undefined ? '' : `-${short}, `}--${flag}`
  const notes = [defaultText(surface), environment].filter((note) => note !== undefined)
  const text = surface.description + (notes.length === 0 ? '' : ` (${notes.join(', ')})`)
  const option = new Option(kind === 'switch' ? names : `${names} <${placeholder}>`, text)
  if (kind === 'list') option.argParser((item: string, all: string[] | undefined) => [...(all ?? []), item])
  return option
}

function defaultText({ kind, commandLineDefault: value }: OptionSurface): string | undefined {
  return kind === 'switch' || kind === 'list' || value === undefined ? undefined : `default ${String(value)}`
}
