import { CLIENTS } from '../client/contenders.js'
import type { PeerContender } from '../end-to-end/contender.js'
import type { Way } from '../peers/libp2p-node.js'
import { libp2pModules } from '../servers/contenders.js'
import { nodeOf } from '../servers/installation.js'
import { LIBP2P_NODE } from './modules.js'

/** All are nodes of js-libp2p, of the same versions and on the same Node. */
const LIBP2P = { modules: libp2pModules, node: () => nodeOf(LIBP2P_NODE) }

/** What is measured, in the order of rows. */
export const WAYS: Readonly<Record<Way, PeerContender>> = {
  star: { ...LIBP2P, title: 'this transport, this server', library: 'star', server: CLIENTS.ours.server },
  circuit: { ...LIBP2P, title: 'circuit relay', library: 'circuit', server: CLIENTS.circuit.server },
  websockets: { ...LIBP2P, title: 'direct WebSocket', library: 'websockets' }
}

// The keys of the table are their names.
export const WAY_NAMES = Object.keys(WAYS) as Way[]
