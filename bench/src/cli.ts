#!/usr/bin/env node
import { bench } from './harness/bench.js'
import { UsageError } from './harness/options.js'
import { usageOf } from './harness/usage.js'
import { loadSuite, loadSuites } from './suites/index.js'

const USAGE_ERROR = 2

const [name = '--help', ...args] = process.argv.slice(2)
if (name === '--help' || args.includes('--help')) {
  console.log(usageOf(await loadSuites()))
} else {
  try {
    await bench(await loadSuite(name), args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usageOf(await loadSuites())}`)
    process.exitCode = USAGE_ERROR
  }
}
