import { circuit } from './circuit.js'
import { legacy } from './legacy.js'
import { ours } from './ours.js'
import type { OpenPeer } from './peer.js'

export type LibraryName = 'ours' | 'ours-whatwg' | 'legacy' | 'circuit'

/** What a peer can be made with. */
export const LIBRARIES: Readonly<Record<LibraryName, OpenPeer>> = {
  ours: ours('push'),
  'ours-whatwg': ours('whatwg'),
  legacy,
  circuit
}
