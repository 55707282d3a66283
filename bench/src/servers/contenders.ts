import { createServer, type AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LIBP2P_NODE, LIBP2P_PACKAGES } from '../libp2p/modules.js'
import { circuitSenders } from '../circuit/sender.js'
import { openForwardedPair, openStarPair } from '../wire/pair.js'
import { installApart, nodeOf } from './installation.js'
import type { ServerCommand } from './server.js'

export type ContenderName = 'ours' | 'ours-js' | 'legacy' | 'forwarder' | 'circuit'

export interface Contender {
  title: string
  command: () => Promise<ServerCommand>
  /** The node that server and load need, if any will not do. */
  node?: () => Promise<string>
}

/** What is measured, in the order of columns. */
export const CONTENDERS: Readonly<Record<ContenderName, Contender>> = {
  ours: { title: 'this server', command: ours },
  'ours-js': { title: 'this server without bufferutil', command: oursWithoutBufferutil },
  legacy: { title: 'legacy server 0.4.1', command: legacy },
  forwarder: { title: 'plain `ws` forwarder', command: forwarder },
  circuit: { title: 'js-libp2p circuit relay', command: circuit, node: () => nodeOf(LIBP2P_NODE) }
}

// The keys of the table are their names.
export const CONTENDER_NAMES = Object.keys(CONTENDERS) as ContenderName[]

const LEGACY_PACKAGE = 'libp2p-websocket-star-rendezvous@0.4.1'

/** The command of this repository's server. */
export const OURS = fileURLToPath(new URL('../../../packages/rendezvous/dist/cli/main.js', import.meta.url))

async function ours(): Promise<ServerCommand> {
  const flags = ['--port', '0', '--host', '127.0.0.1', '--disable-crypto-challenge', '--log-level', 'error']
  return { args: [OURS, ...flags, '--max-dials-per-second', '1000000'], openPair: openStarPair }
}

async function oursWithoutBufferutil(): Promise<ServerCommand> {
  return { ...(await ours()), env: { WS_NO_BUFFER_UTIL: '1' } }
}

async function legacy(): Promise<ServerCommand> {
  const modules = await installApart('legacy', [LEGACY_PACKAGE])
  const script = join(modules, 'libp2p-websocket-star-rendezvous', 'src', 'bin.js')
  // It takes port 0 for none given.
  const port = String(await freePort())
  return { args: [script, '--port', port, '--host', '127.0.0.1', '--disableCryptoChallenge'], openPair: openStarPair }
}

async function forwarder(): Promise<ServerCommand> {
  return { args: [fileURLToPath(new URL('./forwarder.js', import.meta.url))], openPair: openForwardedPair }
}

async function circuit(): Promise<ServerCommand> {
  const modules = await libp2pModules()
  return {
    args: [fileURLToPath(new URL('../circuit/relay.js', import.meta.url)), modules],
    openSender: ({ listening }) => circuitSenders(modules, listening)
  }
}

export function libp2pModules(): Promise<string> {
  return installApart('libp2p', LIBP2P_PACKAGES)
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

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}
