// Builds the pages into packages/rendezvous/dist/web, with compressed copies of their assets. Does nothing if the output is newer
// than all sources, so that `npm start` is fast. The client has to be built first.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const OUT = path('../rendezvous/dist/web')
const SOURCES = ['src', 'index.html', 'try.html', 'vite.config.js', 'package.json'].map(path)
const LIBRARIES = ['client', 'streams', 'protocol'].map((name) => path(`../${name}/dist`))

/** Returns the time of the last change below a path in milliseconds since 1970, or 0 if the path does not exist. */
function changedAt(name) {
  const found = statSync(name, { throwIfNoEntry: false })
  if (found === undefined) return 0
  if (!found.isDirectory()) return found.mtimeMs
  return Math.max(0, ...readdirSync(name).map((child) => changedAt(`${name}/${child}`)))
}

function compress(folder) {
  for (const name of readdirSync(folder)) {
    const file = `${folder}/${name}`
    const bytes = readFileSync(file)
    if (bytes.length < 512) continue
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  }
}

const builtAt = changedAt(`${OUT}/try.html`)
if (builtAt === 0 || [...SOURCES, ...LIBRARIES].some((source) => changedAt(source) > builtAt)) {
  await build({ configFile: path('vite.config.js'), logLevel: 'warn' })
  compress(`${OUT}/assets`)
}
