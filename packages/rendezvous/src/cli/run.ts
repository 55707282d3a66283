import { VERSION } from '../version.js'
import { readCommandLine } from './command-line.js'
import { demo } from './demo.js'
import { serve } from './serve.js'
import type { Signals } from './signals.js'
import { UsageError } from './usage-error.js'

const USAGE_ERROR_EXIT_CODE = 2

/** Does what the arguments and variables of this process ask for. */
export async function run(signals: Signals): Promise<void> {
  try {
    const request = readCommandLine({ args: process.argv.slice(2), env: process.env, version: VERSION })
    if (request.action === 'print') process.stdout.write(request.text)
    else if (request.action === 'demo') await demo(request, signals)
    else await serve(request, signals)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`websocket-star: ${error.message}`)
    process.exitCode = USAGE_ERROR_EXIT_CODE
  }
}
