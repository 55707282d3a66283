import type { PeerCommand, PeerReady, PeerReport, PeerSetup } from '../peers/peer-process.js'
import { startServer, type RunningServer } from '../servers/server.js'
import { profileFlags } from '../trial.js'
import { CLIENTS } from './contenders.js'
import type { ClientTrial } from './cases.js'
import { startDelayProxy } from './delay-proxy.js'
import { RemoteProcess } from './remote-process.js'

const PEER_PROCESS = new URL('../peers/peer-process.js', import.meta.url)

type RemotePeer = RemoteProcess<PeerCommand, PeerReport>

/** A sender and a receiver that are connected through a server, each of the three in a process of its own. */
export interface ClientPair {
  server: RunningServer
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
}

export async function openClientPair(
  { contender, profiles }: Omit<ClientTrial, 'case'>,
  { size, delay, reads }: PairOptions
): Promise<ClientPair> {
  const { server: commandOf, modules } = CLIENTS[contender]
  const folder = (await modules?.()) ?? ''
  const server = await startServer(await commandOf(), profileFlags(profiles, 'server'))
  const proxy = delay === 0 ? undefined : await startDelayProxy(server.port, delay)
  const start = (role: string, place: string) => {
    const setup: PeerSetup = { library: contender, server: place, modules: folder, size }
    return RemoteProcess.start<PeerCommand, PeerReport, PeerReady>(PEER_PROCESS, setup, { role, profiles })
  }
  const [[sender], [receiver, { address }]] = await Promise.all([
    start('sender', placeOf(server)),
    start('receiver', proxy?.url ?? placeOf(server))
  ])
  if (reads) await receiver.ask({ do: 'receive' })
  await sender.ask({ do: 'dial', address })
  return {
    server,
    sender,
    receiver,
    stop: async () => {
      await Promise.all([sender.stop(), receiver.stop()])
      proxy?.close()
      await server.stop()
    }
  }
}

/** What peers are told of a server: a star's URL, or the address of a circuit relay. */
function placeOf({ listening, port }: RunningServer): string {
  return listening.startsWith('/') && listening.includes('/p2p/') ? listening : `http://127.0.0.1:${port}`
}
