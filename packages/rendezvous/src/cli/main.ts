#!/usr/bin/env node
import { VERSION } from '../version.js'
import { readCommandLine } from './command-line.js'
import { demo } from './demo.js'
import { serve } from './serve.js'
import { UsageError } from './usage-error.js'

const USAGE_ERROR_EXIT_CODE = 2

try {
  const request = readCommandLine({ args: process.argv.slice(2), env: process.env, version: VERSION })
  if (request.action === 'print') process.stdout.write(request.text)
  else if (request.action === 'demo') await demo(request)
  else await serve(request)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`websocket-star: ${error.message}`)
  process.exitCode = USAGE_ERROR_EXIT_CODE
}
