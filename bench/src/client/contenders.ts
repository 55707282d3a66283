import type { PeerContender } from '../end-to-end/contender.js'
import { LIBP2P_NODE } from '../libp2p/modules.js'
import { LEGACY_CLIENT_PACKAGES } from '../peers/legacy.js'
import { CONTENDERS, libp2pModules, OURS } from '../servers/contenders.js'
import { installApart, nodeOf } from '../servers/installation.js'
import type { ServerCommand } from '../servers/server.js'

export type ClientName = 'ours' | 'ours-whatwg' | 'legacy' | 'circuit'

type ClientContender = PeerContender & Required<Pick<PeerContender, 'server'>>

/** What is measured, in the order of rows. */
export const CLIENTS: Readonly<Record<ClientName, ClientContender>> = {
  ours: { title: 'ours', library: 'ours', server: ours },
  'ours-whatwg': { title: 'ours, WHATWG', library: 'ours-whatwg', server: ours },
  legacy: {
    title: 'legacy client and server',
    library: 'legacy',
    server: CONTENDERS.legacy.command,
    modules: () => installApart('legacy-client', LEGACY_CLIENT_PACKAGES)
  },
  circuit: {
    title: 'js-libp2p, circuit relay',
    library: 'circuit',
    server: CONTENDERS.circuit.command,
    modules: libp2pModules,
    node: () => nodeOf(LIBP2P_NODE)
  }
}

// The keys of the table are their names.
export const CLIENT_NAMES = Object.keys(CLIENTS) as ClientName[]

/** With default limits, and with the challenge. */
async function ours(port = 0): Promise<ServerCommand> {
  return { args: [OURS, '--port', String(port), '--host', '127.0.0.1', '--log-level', 'error'] }
}
