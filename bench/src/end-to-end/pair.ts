import type { PeerCommand, PeerReady, PeerReport, PeerSetup } from '../peers/peer-process.js'
import type { PeerContender } from './contender.js'
import { startDelayProxy } from './delay-proxy.js'
import { openMeetingPlace, type MeetingPlace } from './meeting-place.js'
import { RemoteProcess } from './remote-process.js'

const PEER_PROCESS = new URL('../peers/peer-process.js', import.meta.url)

type RemotePeer = RemoteProcess<PeerCommand, PeerReport>

/** A sender and a receiver that are connected, through a server if they need one, each in a process of its own. */
export interface Pair {
  server: Pick<MeetingPlace, 'usage'>
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

export async function openPair(contender: PeerContender, { size, delay, reads, profiles }: PairOptions): Promise<Pair> {
  const place = await openMeetingPlace(contender, profiles)
  const proxy = delay === 0 ? undefined : await startDelayProxy(place.port, delay)
  const start = (role: string, server: string) => {
    const setup: PeerSetup = { library: contender.library, server, modules: place.modules, size }
    return RemoteProcess.start<PeerCommand, PeerReport, PeerReady>(PEER_PROCESS, setup, { role, profiles })
  }
  const [[sender], [receiver, { address }]] = await Promise.all([
    start('sender', place.server),
    start('receiver', proxy?.url ?? place.server)
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
