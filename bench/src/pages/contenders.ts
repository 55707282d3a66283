import { CLIENTS } from '../client/contenders.js'
import type { PeerContender } from '../end-to-end/contender.js'
import { LIBP2P_NODE } from '../libp2p/modules.js'
import { nodeOf } from '../servers/installation.js'
import type { PageLibrary } from './page.js'

export type PagePeerName = 'client' | 'libp2p' | 'circuit'

export interface PageContender extends PeerContender {
  /** The pages bring it along. */
  library: PageLibrary
}

/** Of the servers, and so the same for all. */
const node = () => nodeOf(LIBP2P_NODE)

/** What is measured, in the order of rows. */
export const PAGE_PEERS: Readonly<Record<PagePeerName, PageContender>> = {
  client: { title: 'this client, this server', library: 'ours', server: CLIENTS.ours.server, node },
  libp2p: { title: 'js-libp2p, this transport and server', library: 'star', server: CLIENTS.ours.server, node },
  circuit: { title: 'js-libp2p, circuit relay', library: 'circuit', server: CLIENTS.circuit.server, node }
}

// The keys of the table are their names.
export const PAGE_PEER_NAMES = Object.keys(PAGE_PEERS) as PagePeerName[]
