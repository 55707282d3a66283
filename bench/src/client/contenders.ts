import { CIRCUIT_NODE } from '../circuit/modules.js'
import { LEGACY_CLIENT_PACKAGES } from '../peers/legacy.js'
import type { LibraryName } from '../peers/libraries.js'
import { CONTENDERS, circuitModules, OURS } from '../servers/contenders.js'
import { installApart, nodeOf } from '../servers/installation.js'
import type { ServerCommand } from '../servers/server.js'

/** A contender is a library, and the server that its peers meet at. */
export type ClientName = LibraryName

export interface ClientContender {
  title: string
  /** @param port - to listen on; 0 for any, which is all that the other servers are asked for */
  server: (port?: number) => Promise<ServerCommand>
  /** The `node_modules` that peers load the library from, if it is not one of this repository. */
  modules?: () => Promise<string>
  node?: () => Promise<string>
}

/** What is measured, in the order of rows. */
export const CLIENTS: Readonly<Record<ClientName, ClientContender>> = {
  ours: { title: 'ours', server: ours },
  'ours-whatwg': { title: 'ours, WHATWG', server: ours },
  legacy: {
    title: 'legacy client and server',
    server: CONTENDERS.legacy.command,
    modules: () => installApart('legacy-client', LEGACY_CLIENT_PACKAGES)
  },
  circuit: {
    title: 'js-libp2p, circuit relay',
    server: CONTENDERS.circuit.command,
    modules: circuitModules,
    node: () => nodeOf(CIRCUIT_NODE)
  }
}

// The keys of the table are their names.
export const CLIENT_NAMES = Object.keys(CLIENTS) as ClientName[]

/** With default limits, and with the challenge. */
async function ours(port = 0): Promise<ServerCommand> {
  return { args: [OURS, '--port', String(port), '--host', '127.0.0.1', '--log-level', 'error'] }
}
