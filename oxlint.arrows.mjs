// The direction of imports, which `npm run lint` checks, types included: lower layers know nothing of higher ones. Circles
// are refused by `import/no-cycle` in .oxlintrc.json.
import { readdirSync } from 'node:fs'
import { defineConfig } from 'oxlint'

/** What each package may import of the others. */
const PACKAGES = {
  protocol: [],
  streams: ['protocol'],
  client: ['protocol', 'streams'],
  libp2p: ['protocol', 'streams', 'client'],
  rendezvous: ['protocol'],
  web: ['client']
}

/**
 * The rooms of the server, from low to high. Each may import itself and rooms of the rows before its own; rooms of one row know
 * nothing of each other.
 */
const ROOMS = [
  ['errors.ts', 'option-types.ts'],
  ['options.ts', 'stats.ts', 'version.ts', 'log-output.ts'],
  ['logger.ts', 'codec'],
  ['pacing', 'refusal-log.ts'],
  ['names'],
  ['budget', 'relay'],
  ['transport'],
  ['registry'],
  ['cluster', 'discovery'],
  ['star', 'http'],
  ['compose.ts', 'server.ts'],
  ['attached-server.ts'],
  ['rendezvous.ts'],
  ['index.ts', 'cli']
]

/** What the pages have of the server: types. */
const STATUS_MESSAGES = 'rendezvous/src/http/status-messages.js'

const SERVER = 'packages/rendezvous/src'
const rooms = new Set(ROOMS.flat())
const unplaced = readdirSync(new URL(SERVER, import.meta.url)).filter((name) => !rooms.has(name))
if (unplaced.length > 0) throw new Error(`oxlint.arrows.mjs: give ${unplaced.join(', ')} a row in ROOMS`)

/** Returns patterns of what a package may not import. */
function beyondPackage(name) {
  const refused = Object.keys(PACKAGES).filter((other) => other !== name && !PACKAGES[name].includes(other))
  const message = `packages/${name} may import these packages: ${PACKAGES[name].join(', ') || 'none'}`
  const patterns = [
    { regex: `^@websocket-star/(?:${refused.join('|')})(?:/|$)`, message },
    {
      group: [...Object.keys(PACKAGES), 'test', 'bench', 'examples']
        .filter((folder) => folder !== name)
        .map((folder) => `../**/${folder}/**`),
      message: 'packages import each other by name'
    }
  ]
  if (name !== 'web') return patterns
  patterns[1].group.push(`!../**/${STATUS_MESSAGES}`)
  const regex = `/${STATUS_MESSAGES.replaceAll('.', '\\.')}$`
  return [{ regex, allowTypeImports: true, message: 'the pages have types of the server only' }, ...patterns]
}

/** Returns the rooms below a row. */
function lowerThan(row) {
  return ROOMS.slice(0, row).flat()
}

/** Returns the pattern of the rooms that a room of a row may not import. */
function beyondRoom(room, row) {
  const refused = ROOMS.slice(row)
    .flat()
    .filter((other) => other !== room)
    .map((other) => (other.endsWith('.ts') ? other.replace(/\.ts$/, '\\.js$') : `${other}/`))
  return {
    regex: `^(?:\\.{1,2}/)+(?:${refused.join('|')})`,
    message: `${room} may import lower rooms only: ${lowerThan(row).join(', ') || 'none'} (oxlint.arrows.mjs)`
  }
}

function refuse(files, patterns) {
  return { files: [files], rules: { 'no-restricted-imports': ['error', { patterns }] } }
}

export default defineConfig({
  categories: { correctness: 'off' },
  overrides: [
    ...Object.keys(PACKAGES).map((name) => refuse(`packages/${name}/src/**`, beyondPackage(name))),
    ...ROOMS.flatMap((row, index) =>
      row.map((room) =>
        refuse(room.endsWith('.ts') ? `${SERVER}/${room}` : `${SERVER}/${room}/**`, [
          ...beyondPackage('rendezvous'),
          beyondRoom(room, index)
        ])
      )
    )
  ]
})
