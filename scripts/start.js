// What `npm start` runs: builds what is stale, then serves in this very process, so that signals reach the server.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const server = fileURLToPath(new URL('../packages/rendezvous', import.meta.url))

const { status } = spawnSync(process.execPath, [tsc, '-b', server], { stdio: 'inherit' })
if (status === 0) await import('../packages/rendezvous/dist/cli/main.js')
else process.exitCode = status ?? 1
