import type { Usage } from '@websocket-star/testkit/processes'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import { startServer, type RunningServer } from '../../contenders/servers/server.js'

/** Where the peers of a trial meet, and what they are made of. */
export interface MeetingPlace<Reading = Usage> {
  /** What peers are told of the server: a star's URL, or the address of a circuit relay. Empty if they need none. */
  readonly server: string
  /** The same for the receiver, where that is another. */
  readonly farServer?: string
  readonly port: number
  /** The `node_modules` of libraries that are installed apart. */
  readonly modules: string
  /** Of the server; nothing but NaN if there is none. */
  usage(): Promise<Reading>
  stop(): Promise<void>
}

const NO_USAGE: Usage = {
  cpu: Number.NaN,
  rss: Number.NaN,
  peakRss: Number.NaN,
  reads: Number.NaN,
  writes: Number.NaN
}

/** @param profiles - the folder that the server's profile is written to, if it is to be profiled */
export async function openMeetingPlace(
  { server: commandOf, modules: install }: Pick<PeerContender, 'server' | 'modules'>,
  profiles?: string
): Promise<MeetingPlace> {
  const modules = (await install?.()) ?? ''
  if (commandOf === undefined) {
    return { server: '', port: 0, modules, usage: async () => NO_USAGE, stop: async () => {} }
  }
  const server = await startServer(await commandOf(), { profiles })
  return { server: placeOf(server), port: server.port, modules, usage: server.usage, stop: server.stop }
}

function placeOf({ listening, port }: RunningServer): string {
  return listening.startsWith('/') && listening.includes('/p2p/') ? listening : `http://127.0.0.1:${port}`
}
