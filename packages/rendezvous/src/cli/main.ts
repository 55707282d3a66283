#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { readCommandLine, UsageError } from './command-line.js'
import { serve } from './serve.js'

/** Exit code for a mistake in what the operator gave. */
const USAGE_ERROR = 2

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string } // ours

try {
  const request = readCommandLine({ args: process.argv.slice(2), env: process.env, version: manifest.version })
  if (request.action === 'print') process.stdout.write(request.text)
  else await serve(request)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`websocket-star: ${error.message}`)
  process.exitCode = USAGE_ERROR
}
