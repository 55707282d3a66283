#!/usr/bin/env node
import { readCommandLine, UsageError } from './command-line.js'
import { demo } from './demo.js'
import { VERSION } from '../version.js'
import { serve } from './serve.js'

/** Exit code for a mistake in what the operator gave. */
const USAGE_ERROR = 2

try {
  const request = readCommandLine({ args: process.argv.slice(2), env: process.env, version: VERSION })
  if (request.action === 'print') process.stdout.write(request.text)
  else if (request.action === 'demo') await demo(request)
  else await serve(request)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`websocket-star: ${error.message}`)
  process.exitCode = USAGE_ERROR
}
