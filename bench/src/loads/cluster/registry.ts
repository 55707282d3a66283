import { RedisServer } from '@websocket-star/testkit/processes'
import { RemoteProcess } from '../../processes/remote-process.js'
import { reportOf } from './engine.js'
import type { RegistryProcess, RegistrySetup } from './registry-process.js'

export interface RegistryCase {
  kind: 'registry'
  peers: number
}

export interface RegistryFigures {
  /** Seconds from the first claim until the registry has all. */
  claims: number
  /** Seconds until the other node knows of all, which learns of one after the other. */
  known: number
  /** Seconds from the start of a third node until it knows of all. */
  snapshot: number
  /** CPU of Redis from the first claim until the other node knows of all, in microseconds per peer. */
  engineCpu: number
  /** Bytes that Redis has allocated in the end, and at most. */
  memory: number
  peakMemory: number
  /** Bytes for each peer of what it has allocated in the end. */
  perPeer: number
}

const REGISTRY_PROCESS = new URL('./registry-process.js', import.meta.url)
const MILLISECONDS = 1000

/** One node claims many peers, another one is told of them; a third comes when all are there. */
export async function measureRegistry({ peers }: RegistryCase): Promise<RegistryFigures> {
  const engine = await RedisServer.start()
  const [claimer, witness] = await Promise.all([startRegistry('claimer', engine), startRegistry('witness', engine)])
  const before = await reportOf(engine)
  const [claimed, heard] = await Promise.all([claimer.call('claim', peers), witness.call('heard', peers)])
  const after = await reportOf(engine)
  const newcomer = await startRegistry('newcomer', engine)
  const started = await newcomer.call('started')
  if (started.known !== peers) throw new Error(`a node that came was told of ${started.known} peers, not ${peers}`)
  const { memory, peakMemory } = await reportOf(engine)
  await Promise.all([claimer, witness, newcomer].map((node) => node.stop()))
  await engine[Symbol.asyncDispose]()
  return {
    claims: (claimed.done - claimed.began) / MILLISECONDS,
    known: (heard - claimed.began) / MILLISECONDS,
    snapshot: (started.done - started.began) / MILLISECONDS,
    engineCpu: (after.cpu - before.cpu) / peers,
    memory,
    peakMemory,
    perPeer: (memory - before.memory) / peers
  }
}

function startRegistry(role: string, { url }: RedisServer) {
  const setup: RegistrySetup = { redis: url }
  return RemoteProcess.start<RegistryProcess>(REGISTRY_PROCESS, setup, { role })
}
