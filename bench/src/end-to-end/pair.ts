import type { LibraryName } from '../peers/libraries.js'
import type { PeerCommand, PeerReady, PeerReport, PeerSetup } from '../peers/peer-process.js'
import type { Usage } from '../servers/usage.js'
import type { PeerContender } from './contender.js'
import { startDelayProxy } from './delay-proxy.js'
import { openMeetingPlace, type MeetingPlace } from './meeting-place.js'
import { RemoteProcess } from './remote-process.js'

const PEER_PROCESS = new URL('../peers/peer-process.js', import.meta.url)

type RemotePeer = RemoteProcess<PeerCommand, PeerReport>

/** A sender and a receiver that are connected, through a server if they need one, each in a process of its own. */
export interface Pair<Reading = Usage> {
  server: Pick<MeetingPlace<Reading>, 'usage'>
  sender: RemotePeer
  receiver: RemotePeer
  stop(): Promise<void>
}

export interface PairOptions {
  /** Bytes of each write. */
  size: number
  /** Milliseconds that every byte between receiver and server takes longer, each way. */
  delay: number
  /** Whether the receiver reads from the beginning. */
  reads: boolean
  /** The folder that the profile of each process is written to, if they are to be profiled. */
  profiles?: string | undefined
}

export async function openPair(contender: PeerContender, options: PairOptions): Promise<Pair> {
  return await openPairAt(await openMeetingPlace(contender, options.profiles), contender.library, options)
}

/** The pair stops the place where it meets. */
export async function openPairAt<Reading>(
  place: MeetingPlace<Reading>,
  library: LibraryName,
  { size, delay, reads, profiles }: PairOptions
): Promise<Pair<Reading>> {
  const proxy = delay === 0 ? undefined : await startDelayProxy(place.port, delay)
  const start = (role: string, server: string) => {
    const setup: PeerSetup = { library, server, modules: place.modules, size }
    return RemoteProcess.start<PeerCommand, PeerReport, PeerReady>(PEER_PROCESS, setup, { role, profiles })
  }
  const [[sender], [receiver, { address }]] = await Promise.all([
    start('sender', place.server),
    start('receiver', proxy?.url ?? place.farServer ?? place.server)
  ])
  if (reads) await receiver.ask({ do: 'receive' })
  await sender.ask({ do: 'dial', address })
  return {
    server: place,
    sender,
    receiver,
    stop: async () => {
      await Promise.all([sender.stop(), receiver.stop()])
      proxy?.close()
      await place.stop()
    }
  }
}
