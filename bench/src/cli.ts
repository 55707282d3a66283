#!/usr/bin/env node
import { benchClient } from './client.js'
import { benchCluster } from './cluster.js'
import { benchPeers } from './crowd.js'
import { benchLibp2p } from './libp2p.js'
import { UsageError } from './options.js'
import { benchPages } from './pages.js'
import { benchRelay } from './relay.js'
import { USAGE } from './usage.js'

const USAGE_ERROR = 2
const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  relay: benchRelay,
  client: benchClient,
  libp2p: benchLibp2p,
  peers: benchPeers,
  cluster: benchCluster,
  pages: benchPages
}

const [name = '--help', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (name === '--help' || args.includes('--help')) {
  console.log(USAGE)
} else if (bench === undefined) {
  console.error(`There is no benchmark ${name}\n\n${USAGE}`)
  process.exitCode = USAGE_ERROR
} else {
  try {
    await bench(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    process.exitCode = USAGE_ERROR
  }
}
