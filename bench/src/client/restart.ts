import { setTimeout as delay } from 'node:timers/promises'
import { RemoteProcess } from '../end-to-end/remote-process.js'
import type { CrowdCommand, CrowdReport, CrowdSetup } from '../peers/crowd-process.js'
import { freePort } from '../servers/contenders.js'
import { readMetric } from '../servers/metrics.js'
import { startServer } from '../servers/server.js'
import type { ClientTrial } from './cases.js'
import { CLIENTS } from './contenders.js'

export interface RestartCase {
  kind: 'restart'
  clients: number
  /** Seconds between the server's end and its next start. */
  pause: number
}

export interface RestartFigures {
  /** Seconds from when the server listens again until every client is joined again. */
  seconds: number
  /** Seconds from the signal that stopped it until then. */
  outage: number
  /** Join requests that either server refused. */
  refused: number
  /** CPU of the server from its second start until then, in milliseconds per client. */
  cpuPerClient: number
}

const CROWD_PROCESS = new URL('../peers/crowd-process.js', import.meta.url)
const PROCESSES = 2

/** Many clients are joined when their server stops, and find it by themselves when it is back. */
export async function measureRestart(
  { clients, pause }: RestartCase,
  { contender }: Omit<ClientTrial, 'case'>
): Promise<RestartFigures> {
  const port = await freePort()
  const command = await CLIENTS[contender].server(port)
  const first = await startServer(command)
  const setup: CrowdSetup = { server: `http://127.0.0.1:${port}`, clients: clients / PROCESSES }
  const crowds = await Promise.all(
    Array.from({ length: PROCESSES }, async (_, index) => {
      const role = `crowd ${index}`
      const [crowd] = await RemoteProcess.start<CrowdCommand, CrowdReport, CrowdReport>(CROWD_PROCESS, setup, { role })
      return crowd
    })
  )
  const everyCrowd = (command: CrowdCommand) => Promise.all(crowds.map((crowd) => crowd.ask(command)))

  await everyCrowd({ await: 'all' })
  const refusedBefore = await refusedJoins(port)
  const stopped = performance.now()
  await first.stop()
  await Promise.all([everyCrowd({ await: 'none' }), delay(pause * 1000)])
  const second = await startServer(command)
  const listening = performance.now()
  await everyCrowd({ await: 'all' })
  const joined = performance.now()
  const { cpu } = await second.usage()
  const refused = refusedBefore + (await refusedJoins(port))
  await Promise.all(crowds.map((crowd) => crowd.stop()))
  await second.stop()
  return {
    seconds: (joined - listening) / 1000,
    outage: (joined - stopped) / 1000,
    refused,
    cpuPerClient: cpu / 1000 / clients
  }
}

/** As the server counts them for its operator. */
function refusedJoins(port: number): Promise<number> {
  return readMetric(port, 'rendezvous_joins_total_failure')
}
