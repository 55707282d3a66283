#!/usr/bin/env node
// Stands in the repository, unlike what it starts, so that npm can link it before anything is built.
import { existsSync } from 'node:fs'

if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) await import('../dist/cli/main.js')
else {
  console.error('websocket-star: this copy of the repository is not built: run "npm run build" at its root first')
  process.exitCode = 1
}
