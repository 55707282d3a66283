// What `npm run dev` runs: the server, built and started again whenever a source changes. Flags are the server's. While a
// build fails, the last good server goes on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watch } from 'chokidar'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** Milliseconds without a change before a build: editors and git write several files at once. */
const QUIET = 100
const PACKAGES = ['protocol', 'streams', 'client', 'rendezvous', 'web'].map((name) => path(`packages/${name}`))
/** In a package, what no build reads. */
const IGNORED = /^(?:dist|node_modules|test)(?:$|[\\/])|\.tsbuildinfo$/

const flags = process.argv.slice(2)
/** Files that changed since the last build that went well. */
const changed = new Set()
let isStale = true
let isUpdating = false
let isEnding = false
let timer
/** The running processes, if any. */
let builder
let server

/** Runs a script to its end, showing its output; returns whether it succeeded. */
async function run(...args) {
  builder = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = await once(builder, 'exit')
  return code === 0
}

async function build() {
  const tsc = path('node_modules/typescript/bin/tsc')
  const areTypesRight = await run(tsc, '-b', path('packages/rendezvous'), path('packages/client'))
  return areTypesRight && !isEnding && (await run(path('packages/web/scripts/build.js')))
}

function start() {
  const child = spawn(process.execPath, [path('packages/rendezvous/dist/cli/main.js'), ...flags], { stdio: 'inherit' })
  server = child
  child.once('exit', (code, signal) => {
    const isExpected = server !== child || isEnding
    if (server === child) server = undefined
    if (!isExpected) say(`the server ended (${signal ?? code}); it is started again after the next change`)
  })
}

/** Stops the server at once, without draining; resolves when its port is free. */
async function stop() {
  if (server === undefined) return
  const gone = once(server, 'exit')
  server.kill('SIGINT')
  server = undefined
  await gone
}

/** Builds and restarts until nothing changed meanwhile. */
async function update() {
  if (isUpdating) return
  isUpdating = true
  while (isStale) {
    isStale = false
    const isBuilt = await build()
    if (isStale || isEnding) continue
    if (!isBuilt) {
      say(`the build failed; ${server === undefined ? 'no server runs' : 'the last good server goes on'}`)
      continue
    }
    if (changed.size > 0) say(`restarting after a change of ${[...changed].join(', ')}`)
    changed.clear()
    await stop()
    if (!isEnding) start()
  }
  isUpdating = false
}

function end() {
  isEnding = true
  isStale = false
  clearTimeout(timer)
  void watcher.close()
  builder?.kill('SIGINT')
  server?.kill('SIGINT')
}

function say(text) {
  console.log(`dev: ${text}`)
}

const watcher = watch(PACKAGES, {
  ignoreInitial: true,
  ignored: (name) => PACKAGES.some((folder) => IGNORED.test(relative(folder, name)))
})
watcher.on('all', (_event, name) => {
  changed.add(relative(path(''), name))
  isStale = true
  clearTimeout(timer)
  timer = setTimeout(update, QUIET)
})
process.on('SIGINT', end)
process.on('SIGTERM', end)

// A change during the first build would go unseen before this.
await once(watcher, 'ready')
await update()
