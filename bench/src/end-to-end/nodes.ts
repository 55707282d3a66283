import type { NodeContender } from '../peers/contender.js'
import { RemoteProcess } from '../processes/remote-process.js'
import type { Commands } from '../processes/serve.js'
import type { NodeSetup } from './echo-process.js'
import { openMeetingPlace } from './meeting-place.js'

/** Two processes with nodes of js-libp2p that meet at one server, if they need one. */
interface Nodes<All extends Commands> {
  first: RemoteProcess<All>
  second: RemoteProcess<All>
  stop(): Promise<void>
}

/** @param profiles - the folder that the profile of each process is written to, if they are to be profiled */
export async function openNodes<All extends Commands>(
  module: URL,
  contender: NodeContender,
  profiles?: string
): Promise<Nodes<All>> {
  const place = await openMeetingPlace(contender, profiles)
  const setup: NodeSetup = { way: contender.library, server: place.server, modules: place.modules }
  const start = (role: string) => RemoteProcess.start<All>(module, setup, { role, profiles })
  const [first, second] = await Promise.all([start('sender'), start('receiver')])
  return {
    first,
    second,
    stop: async () => {
      await Promise.all([first.stop(), second.stop()])
      await place.stop()
    }
  }
}
