// `npm start`: builds what is stale, then starts the server in this process, so that signals reach it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

function succeeds(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = status ?? 1
  return status === 0
}

const isBuilt =
  succeeds(path('node_modules/typescript/bin/tsc'), '-b', path('packages/rendezvous'), path('packages/client')) &&
  succeeds(path('packages/web/scripts/build.js'))
if (isBuilt) await import('../packages/rendezvous/dist/cli/main.js')
