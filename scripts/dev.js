// `npm run dev`: rebuilds and restarts the server after each change. If a build fails, the last good server keeps running.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watch } from 'chokidar'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** Editors and git write several files at once. */
const DEBOUNCE_MS = 100
const PACKAGES = ['protocol', 'streams', 'client', 'rendezvous', 'web'].map((name) => path(`packages/${name}`))
const IGNORED = /^(?:dist|node_modules|test)(?:$|[\\/])|\.tsbuildinfo$/

const flags = process.argv.slice(2)
/** Since the last successful build. */
const changed = new Set()
let isStale = true
let isUpdating = false
let isEnding = false
let timer
let builder
let server

async function succeeds(...args) {
  builder = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = await once(builder, 'exit')
  return code === 0
}

async function build() {
  const tsc = path('node_modules/typescript/bin/tsc')
  const isCompiled = await succeeds(tsc, '-b', path('packages/rendezvous'), path('packages/client'))
  return isCompiled && !isEnding && (await succeeds(path('packages/web/scripts/build.js')))
}

function start() {
  const child = spawn(process.execPath, [path('packages/rendezvous/dist/cli/main.js'), ...flags], { stdio: 'inherit' })
  server = child
  child.once('exit', (code, signal) => {
    const isExpected = server !== child || isEnding
    if (server === child) server = undefined
    if (!isExpected) say(`the server ended (${signal ?? code}); the next change restarts it`)
  })
}

/** Stops the server without draining, and waits until its port is free. */
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
      say(`the build failed; ${server === undefined ? 'no server is running' : 'the last good server keeps running'}`)
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
  timer = setTimeout(update, DEBOUNCE_MS)
})
process.on('SIGINT', end)
process.on('SIGTERM', end)

// Earlier, a change during the first build would be missed.
await once(watcher, 'ready')
await update()
