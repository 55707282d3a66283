// What `npm start` runs: builds what is stale, then serves in this very process, so that signals reach the server.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** Whether it went well; what it has to say is shown. */
function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = status ?? 1
  return status === 0
}

const isBuilt =
  run(path('node_modules/typescript/bin/tsc'), '-b', path('packages/rendezvous'), path('packages/client')) &&
  run(path('packages/web/scripts/build.js'))
if (isBuilt) await import('../packages/rendezvous/dist/cli/main.js')
