import { openStarServer, starServer } from '../../contenders/servers/commands.js'
import type { Trial } from '../../harness/measure.js'
import { openPairAt } from '../end-to-end/pair.js'
import { runTransfer } from '../end-to-end/transfer.js'
import { runLoad } from '../sockets/throughput.js'
import { webSocketSenders } from '../sockets/websocket-sender.js'
import { openStar, type StarContender, type StarUsage } from './star.js'

export interface RelayCase {
  kind: 'relay'
  /** Frames made ahead of time, written by one process to raw sockets; or two clients of this repository. */
  load: 'raw' | 'client'
  /** Bytes of each message, or of each write of a client. */
  size: number
}

export interface RelayFigures {
  messagesPerSecond: number
  megabytesPerSecond: number
  /** CPU of each process, in microseconds per message; NaN of those that there are none of. */
  nodeA: number
  nodeB: number
  engine: number
  /** Of all that there are. */
  together: number
}

type RelayTrial = Trial<StarContender>

/** What passed, and what the star had used before and after. */
interface Run {
  bytes: number
  milliseconds: number
  before: StarUsage
  after: StarUsage
}

/** As much as goes, from one peer to another, which checks every byte. */
export async function measureRelay(of: RelayCase, trial: RelayTrial): Promise<RelayFigures> {
  return figuresOf(of, of.load === 'raw' ? await runRaw(of.size, trial) : await runClients(of.size, trial))
}

async function runRaw(size: number, { contender, profiles, ...conditions }: RelayTrial): Promise<Run> {
  const star = await openStar(contender, openStarServer(), profiles)
  const of = { kind: 'throughput', payload: size, pairs: 1, mode: 'bursts' } as const
  const { messages, elapsed, before, after } = await runLoad(star, webSocketSenders(star), of, conditions)
  await star.stop()
  return { bytes: messages * size, milliseconds: elapsed / 1000, before, after }
}

async function runClients(size: number, { contender, profiles, ...conditions }: RelayTrial): Promise<Run> {
  const star = await openStar(contender, starServer(), profiles)
  const pair = await openPairAt(star, 'ours', { size, delay: 0, reads: true })
  const { bytes, milliseconds, before, after } = await runTransfer(pair, conditions)
  return { bytes, milliseconds, before: before.server, after: after.server }
}

function figuresOf({ size }: RelayCase, { bytes, milliseconds, before, after }: Run): RelayFigures {
  const messages = bytes / size
  const cpuOf = (part: keyof StarUsage) => (after[part] - before[part]) / messages
  const [nodeA, nodeB, engine] = [cpuOf('nodeA'), cpuOf('nodeB'), cpuOf('engine')]
  return {
    messagesPerSecond: (messages * 1000) / milliseconds,
    megabytesPerSecond: bytes / milliseconds / 1000,
    nodeA,
    nodeB,
    engine,
    together: [nodeA, nodeB, engine].reduce((sum, cpu) => (Number.isNaN(cpu) ? sum : sum + cpu))
  }
}
