import { optionSurfaces, type OptionSurface } from './option-surface.js'

const INTRODUCTION = `# Options of the rendezvous server

This page is made from the schema of the options: change that, then run \`npm run docs\`.

An option is given as a flag, as an environment variable, in a JSON file, or as a property of what \`createRendezvous\`
takes. A flag counts before its environment variable, that before the file, that before the default.

- Durations are milliseconds, sizes are bytes; both are numbers without a unit.
- A list is given by repeating its flag, by commas in its environment variable, as an array in the file.
- What is on by default has a flag that turns it off. Any text in its environment variable does so too, even \`0\`; in the
  file its key is \`true\` or \`false\`.
- An environment variable that is empty counts as not given.
- Names of files are relative to the working directory.
- A mistake is told in one line on standard error, and the server does not start: exit code 2.
- The flags of \`libp2p-websocket-star-rendezvous\` are understood as they were written: \`--disableMetrics\`, \`-p=9090\`,
  \`-h ADDRESS\`. \`-h\` alone is \`--help\`.

\`--config <file>\` names the file. Keys with a dot are groups there:

\`\`\`json
{
  "port": 9090,
  "publicAddresses": ["/dns4/star.example.com/tcp/443/wss/p2p-websocket-star"],
  "metrics": false,
  "limits": { "sessionsPerIp": 64 }
}
\`\`\`
`

const COLUMNS = ['Flag', 'Environment variable', 'Key', 'Default', 'What it does', 'What may be given']

/** The reference of all options, as Markdown: the text of `docs/options.md`. */
export function optionsPage(): string {
  const groups = new Map<string, OptionSurface[]>()
  for (const surface of optionSurfaces()) {
    const group = surface.path.length > 1 ? `\`${surface.path[0]}\`` : 'The server'
    groups.set(group, [...(groups.get(group) ?? []), surface])
  }
  const sections = [...groups].map(([group, surfaces]) => `## ${group}\n\n${tableOf(surfaces)}`)
  return [INTRODUCTION, ...sections].join('\n')
}

function tableOf(surfaces: readonly OptionSurface[]): string {
  const rows = [COLUMNS, COLUMNS.map(() => '---'), ...surfaces.map(cellsOf)]
  return rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')
}

function cellsOf(surface: OptionSurface): string[] {
  const { path, kind, flag, short, env, value, description, allowed } = surface
  const flags = `${short === undefined ? '' : `-${short}, `}--${flag}${kind === 'switch' ? '' : ` <${value}>`}`
  return [`\`${flags}\``, `\`${env}\``, `\`${path.join('.')}\``, defaultOf(surface), description, allowed]
}

function defaultOf({ kind, default: value }: OptionSurface): string {
  return value === undefined || kind === 'list' ? 'none' : `\`${String(value)}\``
}
