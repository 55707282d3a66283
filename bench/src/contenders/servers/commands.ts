import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, installApart } from '@websocket-star/testkit/processes'
import { openForwardedPair, openStarPair } from '../../wire/pair.js'
import { libp2pModules } from '../libraries/libp2p-modules.js'
import type { ServerCommand } from './server.js'

const OURS = fileURLToPath(new URL('../../../../packages/rendezvous/dist/cli/main.js', import.meta.url))
const LEGACY_PACKAGE = 'libp2p-websocket-star-rendezvous@0.4.1'

/**
 * Returns the command of this repository's server, with default limits unless flags say otherwise.
 *
 * @param port - to listen on; 0 for any
 */
export function starServer(port = 0, ...flags: readonly string[]): ServerCommand {
  const logging = ['--log-level', 'error', '--log-format', 'pretty']
  return { args: [OURS, '--port', String(port), '--host', '127.0.0.1', ...logging, ...flags] }
}

/** Returns the command of this server for measuring streams alone: peers need not sign, and may dial at any rate. */
export function openStarServer(): ServerCommand {
  const flags = ['--disable-crypto-challenge', '--max-dials-per-second', '1000000', '--max-work-per-session', '1000000']
  return { ...starServer(0, ...flags), openPair: openStarPair }
}

/** @param challenge - whether peers have to sign */
export async function legacyServer(challenge = false): Promise<ServerCommand> {
  const modules = await installApart('legacy', [LEGACY_PACKAGE])
  const script = join(modules, 'libp2p-websocket-star-rendezvous', 'src', 'bin.js')
  // It takes port 0 for none given.
  const args = [script, '--port', String(await freePort()), '--host', '127.0.0.1']
  if (!challenge) args.push('--disableCryptoChallenge')
  return { args, challenge, openPair: openStarPair }
}

export function forwarder(): ServerCommand {
  return { args: [fileURLToPath(new URL('./forwarder.js', import.meta.url))], openPair: openForwardedPair }
}

export async function circuitRelay(): Promise<ServerCommand> {
  return { args: [fileURLToPath(new URL('./circuit-relay.js', import.meta.url)), await libp2pModules()] }
}

/** Whether `ws` finds its native helper here: ours and the forwarder use it then. */
export function hasBufferutil(): boolean {
  if (process.env['WS_NO_BUFFER_UTIL']) return false
  try {
    createRequire(OURS)('bufferutil')
    return true
  } catch {
    return false
  }
}
