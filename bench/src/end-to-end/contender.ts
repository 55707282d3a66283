import type { LibraryName } from '../peers/libraries.js'
import type { ServerCommand } from '../servers/server.js'

/** A library, and the server that its peers meet at. */
export interface PeerContender {
  title: string
  library: LibraryName
  /**
   * Undefined of peers that reach each other without one.
   *
   * @param port - to listen on; 0 for any, which is all that the servers of others are asked for
   */
  server?: (port?: number) => Promise<ServerCommand>
  /** The `node_modules` that peers load the library from, if it is not one of this repository. */
  modules?: () => Promise<string>
  node?: () => Promise<string>
}
