#!/usr/bin/env node
import { UsageError, USAGE } from './options.js'
import { benchRelay } from './relay.js'

const USAGE_ERROR = 2

const [name, ...args] = process.argv.slice(2)
if (name === 'relay' && !args.includes('--help')) {
  try {
    await benchRelay(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    process.exitCode = USAGE_ERROR
  }
} else {
  console.log(USAGE)
  if (name !== undefined && name !== 'relay') process.exitCode = USAGE_ERROR
}
