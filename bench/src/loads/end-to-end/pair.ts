import { FaultProxy } from '@websocket-star/testkit'
import type { Usage } from '@websocket-star/testkit/processes'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import type { LibraryName } from '../../contenders/libraries/libraries.js'
import { RemoteProcess } from '../../processes/remote-process.js'
import type { Commands, Remote } from '../../processes/serve.js'
import { openMeetingPlace, type MeetingPlace } from './meeting-place.js'
import type { PeerCommands } from './peer-commands.js'
import type { PeerProcess, PeerSetup, ProcessReport } from './peer-process.js'

/** Bytes that the delayed way takes in before it holds the sender back: more than is in flight at any rate here. */
const IN_FLIGHT = 64 << 20

const PEER_PROCESS = new URL('./peer-process.js', import.meta.url)

/** A sender and a receiver that are connected, through a server if they need one; each reports on itself. */
export interface Pair<Reading = Usage, More extends object = ProcessReport> {
  server: Pick<MeetingPlace<Reading>, 'usage'>
  sender: Remote<PeerCommands<More>>
  receiver: Remote<PeerCommands<More>>
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

/** Opens a pair of two processes. It stops the place where it meets. */
export async function openPairAt<Reading>(
  place: MeetingPlace<Reading>,
  library: LibraryName,
  { size, delay, reads, profiles }: PairOptions
): Promise<Pair<Reading>> {
  const proxy = delay === 0 ? undefined : await FaultProxy.open(place, { latency: delay, inFlight: IN_FLIGHT })
  const setupAt = (server: string): PeerSetup => ({ library, server, modules: place.modules, size })
  const { sender, receiver, stop } = await startProcesses<PeerProcess>(PEER_PROCESS, place, {
    sender: setupAt(place.server),
    receiver: setupAt(proxy === undefined ? (place.farServer ?? place.server) : `http://127.0.0.1:${proxy.port}`),
    profiles
  })
  const address = await receiver.call('address')
  if (reads) await receiver.call('receive')
  await sender.call('dial', address)
  const stopAll = async () => {
    await stop()
    await proxy?.[Symbol.asyncDispose]()
  }
  return { server: place, sender, receiver, stop: stopAll }
}

/** Two processes of a trial that meet somewhere. */
export interface Processes<All extends Commands> {
  sender: RemoteProcess<All>
  receiver: RemoteProcess<All>
  /** Stops both, and then the place where they met. */
  stop(): Promise<void>
}

/** @param setups - what each is started with, and the folder that profiles are written to, if there are to be any */
export async function startProcesses<All extends Commands>(
  module: URL,
  place: Pick<MeetingPlace, 'stop'>,
  { profiles, ...setups }: { sender: object; receiver: object; profiles?: string | undefined }
): Promise<Processes<All>> {
  const start = (role: keyof typeof setups) => RemoteProcess.start<All>(module, setups[role], { role, profiles })
  const [sender, receiver] = await Promise.all([start('sender'), start('receiver')])
  const stop = async () => {
    await Promise.all([sender.stop(), receiver.stop()])
    await place.stop()
  }
  return { sender, receiver, stop }
}
