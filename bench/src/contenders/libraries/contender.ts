import type { Contender } from '../../harness/measure.js'
import type { ServerCommand } from '../servers/server.js'
import type { Way } from './libp2p-node.js'
import type { LibraryName } from './libraries.js'

/** A library, and the server that its peers meet at. */
export interface PeerContender extends Contender {
  library: LibraryName
  /**
   * Undefined of peers that reach each other without one.
   *
   * @param port - to listen on; 0 for any, which is all that the servers of others are asked for
   */
  server?: (port?: number) => ServerCommand | Promise<ServerCommand>
  /** Returns the `node_modules` that peers load the library from, if it is not one of this repository. */
  modules?: () => Promise<string>
}

/** Nodes of js-libp2p, and the server that they meet at. */
export interface NodeContender extends PeerContender {
  library: Way
}
