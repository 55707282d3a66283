#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { createRendezvous } from '../rendezvous.js'
import { InvalidOptionsError } from '../options.js'

interface Flags {
  port?: number
  host?: string
  discoveryInterval?: number
  disableCryptoChallenge?: boolean
  disableStrictMultiaddr?: boolean
}

/** Exit code for a mistake in what the operator gave: a bad value, a port in use. */
const USAGE_ERROR = 2

const program = new Command('websocket-star')
  .description('Rendezvous server of the WebSocketStar protocol')
  .option('-p, --port <number>', 'TCP port to listen on; 0 picks a free one (default: 9090)', integer)
  .option('--host <address>', 'address to listen on (default: 0.0.0.0)')
  .option('--discovery-interval <ms>', 'time between two announcements of the same peer (default: 10000)', integer)
  .option('--disableCryptoChallenge', 'let peers join without proving that they own their peer id')
  .option('--disableStrictMultiaddr', 'let peers join with addresses of any form')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : USAGE_ERROR))
  .parse()

await serve(program.opts<Flags>())

async function serve(flags: Flags): Promise<void> {
  try {
    const server = createRendezvous({
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...(flags.host === undefined ? {} : { host: flags.host }),
      ...(flags.discoveryInterval === undefined ? {} : { discovery: { interval: flags.discoveryInterval } }),
      cryptoChallenge: flags.disableCryptoChallenge !== true,
      strictMultiaddr: flags.disableStrictMultiaddr !== true
    })
    await server.start()
    const { url, multiaddr } = server.address()
    console.log(`Listening on: ${url}`)
    console.log(`Clients of this machine join: ${multiaddr}`)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop())
  } catch (error) {
    console.error(`websocket-star: ${explain(error)}`)
    process.exitCode = error instanceof InvalidOptionsError || isSystemError(error) ? USAGE_ERROR : 1
  }
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

function explain(error: unknown): string {
  if (isSystemError(error) && error.code === 'EADDRINUSE') {
    return `${error.address ?? 'that address'} port ${error.port ?? ''} is in use; name another with --port`
  }
  return error instanceof Error ? error.message : String(error)
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { address?: string; port?: number } {
  return error instanceof Error && 'syscall' in error
}
