#!/usr/bin/env node
import { Signals } from './signals.js'

const signals = new Signals()
const { run } = await import('./run.js')
await run(signals)
