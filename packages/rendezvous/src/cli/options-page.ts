import { GROUPS, optionSurfaces, type Group, type OptionSurface } from './option-surface.js'

const INTRODUCTION = `# Options of the rendezvous server

This page is generated from the schema of the options: change \`packages/rendezvous/src/options.ts\`, then run
\`npm run docs\`.

An option can be given as a flag, as an environment variable, as a key in a JSON file, or as a property of the argument of
\`createRendezvous\`. A flag overrides its environment variable, which overrides the file, which overrides the default.

- Durations are milliseconds and sizes are bytes; write numbers without a unit.
- To give a list, repeat its flag, separate the items of its environment variable by commas, or write an array in the file.
- Features that are on by default have a flag that disables them. Any value of the environment variable disables them too,
  even \`0\`. In the file the key is \`true\` or \`false\`.
- An empty environment variable counts as unset.
- File names are relative to the working directory.
- After a mistake the server does not start: it prints one line on standard error and exits with code 2.
- The flags of \`libp2p-websocket-star-rendezvous\` still work in their old spelling: \`--disableMetrics\`, \`-p=9090\`,
  \`-h ADDRESS\`. \`-h\` alone is \`--help\`.

\`--help\` lists the essential options, \`--help-all\` every option. \`--config <file>\` names the JSON file. A key with a dot is
nested there:

\`\`\`json
{
  "port": 9090,
  "publicAddresses": ["/dns4/star.example.com/tcp/443/wss/p2p-websocket-star"],
  "metrics": false,
  "limits": { "sessionsPerIp": 64 }
}
\`\`\`

Errors in the file name the line and the key, never the value.
`

const COLUMNS = ['Flag', 'Environment variable', 'Key', 'Default', 'Effect', 'Accepted values']

export function optionsPage(): string {
  const surfaces = optionSurfaces()
  return [
    INTRODUCTION,
    '## Essential options\n',
    ...sectionsOf(surfaces.filter(({ isEssential }) => isEssential)),
    '## Other options\n\nThe defaults suit most servers. [The threat model](threat-model.md#limits) has the reason for each limit.\n',
    ...sectionsOf(surfaces.filter(({ isEssential }) => !isEssential))
  ].join('\n')
}

function sectionsOf(surfaces: readonly OptionSurface[]): string[] {
  const groups = Object.keys(GROUPS) as Group[] // the keys of a constant
  return groups.flatMap((group) => {
    const rows = surfaces.filter((surface) => surface.group === group)
    return rows.length === 0 ? [] : [`### ${GROUPS[group]}\n\n${tableOf(rows)}`]
  })
}

function tableOf(surfaces: readonly OptionSurface[]): string {
  const rows = [COLUMNS, COLUMNS.map(() => '---'), ...surfaces.map(cellsOf)]
  return rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')
}

function cellsOf(surface: OptionSurface): string[] {
  const { path, kind, flag, short, env, placeholder, description, details, allowed } = surface
  const flags = `${short === undefined ? '' : `-${short}, `}--${flag}${kind === 'switch' ? '' : ` <${placeholder}>`}`
  const effect = details === '' ? description : `${description}. ${details}`
  return [`\`${flags}\``, `\`${env}\``, `\`${path.join('.')}\``, defaultOf(surface), effect, allowed]
}

function defaultOf({ kind, commandLineDefault: value, libraryDefault }: OptionSurface): string {
  if (value === undefined || kind === 'list') return 'none'
  const inLibrary = value === libraryDefault ? '' : ` (as a library \`${String(libraryDefault)}\`)`
  return `\`${String(value)}\`${inLibrary}`
}
