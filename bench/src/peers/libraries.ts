import { legacy } from './legacy.js'
import { libp2p } from './libp2p.js'
import type { Way } from './libp2p-node.js'
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
