/** One peer, in a process of its own: a sender or a receiver, with one library. */
import { serve, setupOf } from './channel.js'
import { LIBRARIES, type LibraryName } from './libraries.js'
import type { Outgoing, PeerPlace } from './peer.js'
import { Pattern } from './pattern.js'
import { Supply } from './supply.js'

export interface PeerSetup extends PeerPlace {
  library: LibraryName
}

export interface PeerReady {
  address: string
}

export type PeerCommand =
  /** Reads what is sent over the connection that will come, and checks it. */
  | { do: 'receive' }
  /** Reads no more. */
  | { do: 'pause' }
  | { do: 'dial'; address: string }
  /** Begins to write; `limit` in bytes. */
  | { do: 'send'; limit?: number }
  | { do: 'report' }
  /** Writes no more and ends the stream. Answered once all has left. */
  | { do: 'stop' }
  /** Answered once the sender has ended the stream, and all was read. */
  | { do: 'await end' }

/** How things stand in a peer. */
export interface PeerReport {
  /** Bytes written, or read and found right. */
  bytes: number
  /** Bytes of those that wait in the library; NaN where that cannot be told. */
  waiting: number
  /** Milliseconds, by a clock of this process. */
  at: number
  /** User and system time, in microseconds. */
  cpu: number
  /** Resident bytes. */
  rss: number
}

const setup = setupOf<PeerSetup>()
const pattern = new Pattern(setup.size)
const peer = await LIBRARIES[setup.library](setup)

let received = 0
let receiving: Promise<void> | undefined
let outgoing: Outgoing | undefined
let supply: Supply | undefined
let sending: Promise<void> | undefined

serve<PeerCommand, PeerReport>({ address: peer.address } satisfies PeerReady, async (command) => {
  switch (command.do) {
    case 'receive':
      receiving = peer.incoming.then((incoming) =>
        incoming.receive((bytes) => {
          pattern.check(bytes, received)
          received += bytes.length
        })
      )
      break
    case 'pause':
      ;(await peer.incoming).pause?.()
      break
    case 'dial':
      outgoing = await peer.dial(command.address)
      break
    case 'send':
      supply = new Supply(pattern, command.limit ?? Number.POSITIVE_INFINITY)
      sending = outgoing?.send(supply)
      break
    case 'stop':
      supply?.stop()
      await sending
      break
    case 'await end':
      await receiving
      break
    case 'report':
  }
  return report()
})

function report(): PeerReport {
  const { user, system } = process.cpuUsage()
  return {
    bytes: supply?.given ?? received,
    waiting: outgoing?.waiting ?? 0,
    at: performance.now(),
    cpu: user + system,
    rss: process.memoryUsage.rss()
  }
}
