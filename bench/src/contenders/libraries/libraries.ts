import { legacy } from './legacy.js'
import { importLibp2p } from './libp2p-modules.js'
import { nodesOf, type Way } from './libp2p-node.js'
import { openStreamPeer } from './libp2p-stream.js'
import { ours } from './ours.js'
import type { OpenPeer } from './peer.js'

export type LibraryName = 'ours' | 'ours-whatwg' | 'legacy' | Way

/** What a peer can be made with. */
export const LIBRARIES: Readonly<Record<LibraryName, OpenPeer>> = {
  ours: ours('push'),
  'ours-whatwg': ours('whatwg'),
  legacy,
  star: libp2p('star'),
  circuit: libp2p('circuit'),
  websockets: libp2p('websockets')
}

/** A node of js-libp2p that others reach in one way only. */
function libp2p(way: Way): OpenPeer {
  return async ({ server, modules, size }) =>
    openStreamPeer(await nodesOf(way, await importLibp2p(modules), server), size)
}
