import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@websocket-star/testkit/processes'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import { readMetric } from '../../contenders/servers/metrics.js'
import { startServer } from '../../contenders/servers/server.js'
import type { Trial } from '../../harness/measure.js'
import { RemoteProcess } from '../../processes/remote-process.js'
import type { ClientsProcess, ClientsSetup } from './clients-process.js'

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

const CLIENTS_PROCESS = new URL('./clients-process.js', import.meta.url)
const PROCESSES = 2

/** Many clients are joined when their server stops, and find it by themselves when it is back. */
export async function measureRestart(
  { clients, pause }: RestartCase,
  { contender }: Trial<Required<Pick<PeerContender, 'server'>>>
): Promise<RestartFigures> {
  const port = await freePort()
  const command = await contender.server(port)
  const first = await startServer(command)
  const setup: ClientsSetup = { server: `http://127.0.0.1:${port}`, clients: clients / PROCESSES }
  const crowds = await Promise.all(
    Array.from({ length: PROCESSES }, (_, index) =>
      RemoteProcess.start<ClientsProcess>(CLIENTS_PROCESS, setup, { role: `crowd ${index}` })
    )
  )
  const everyCrowd = (command: keyof ClientsProcess) => Promise.all(crowds.map((crowd) => crowd.call(command)))

  await everyCrowd('allJoined')
  const refusedBefore = await refusedJoins(port)
  const stopped = performance.now()
  await first.stop()
  await Promise.all([everyCrowd('noneJoined'), delay(pause * 1000)])
  const second = await startServer(command)
  const listening = performance.now()
  await everyCrowd('allJoined')
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
