/** Runs one trial. */
import { serveTrial } from './harness/trial.js'
import { loadSuite } from './suites/index.js'

await serveTrial(loadSuite)
