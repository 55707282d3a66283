/** One peer, in a process of its own: a sender or a receiver, with one library. */
import { LIBRARIES, type LibraryName } from '../../contenders/libraries/libraries.js'
import { Pattern } from '../../contenders/libraries/pattern.js'
import type { PeerPlace } from '../../contenders/libraries/peer.js'
import { serve, setupOf } from '../../processes/serve.js'
import { peerCommands, type PeerCommands } from './peer-commands.js'

export interface PeerSetup extends PeerPlace {
  library: LibraryName
}

/** What is known of a peer with a process of its own. */
export interface ProcessReport {
  /** Bytes written that wait in the library; NaN where that cannot be told. */
  waiting: number
  /** User and system time, in microseconds. */
  cpu: number
  /** Resident bytes. */
  rss: number
}

export type PeerProcess = PeerCommands<ProcessReport>

const setup = setupOf<PeerSetup>()
const pattern = new Pattern(setup.size)
const peer = await LIBRARIES[setup.library](setup)

serve(
  peerCommands(peer, pattern, (outgoing): ProcessReport => {
    const { user, system } = process.cpuUsage()
    return {
      waiting: outgoing === undefined ? 0 : (outgoing.waiting?.() ?? Number.NaN),
      cpu: user + system,
      rss: process.memoryUsage.rss()
    }
  })
)
