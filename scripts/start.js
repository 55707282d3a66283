// `npm start`: builds what is stale, then starts the server in this process, so that signals reach it.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

// As process 1 of a container, this has to handle signals itself. The server takes over once it is built.
const signals = ['SIGINT', 'SIGTERM']
let building
let isStopped = false
const stop = () => {
  isStopped = true
  building?.kill()
}
for (const signal of signals) process.on(signal, stop)

async function succeeds(...args) {
  building = spawn(process.execPath, args, { stdio: 'inherit' })
  const status = await new Promise((resolve) => building.once('exit', resolve))
  if (status !== 0 && !isStopped) process.exitCode = status ?? 1
  return status === 0 && !isStopped
}

const isBuilt =
  (await succeeds(
    path('node_modules/typescript/bin/tsc'),
    '-b',
    path('packages/rendezvous'),
    path('packages/client')
  )) && (await succeeds(path('packages/web/scripts/build.js')))
if (isBuilt) await import('../packages/rendezvous/dist/cli/main.js')
