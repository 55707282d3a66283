import { setTimeout as delay } from 'node:timers/promises'
import type { PeerReport } from '../peers/peer-process.js'
import type { Conditions } from '../trial.js'
import type { PeerContender } from './contender.js'
import { openPair, type Pair } from './pair.js'

export interface TransferCase {
  kind: 'transfer'
  /** Bytes of each write. */
  size: number
  /** Milliseconds that every byte between receiver and server takes longer, each way. */
  delay: number
}

export interface TransferFigures {
  megabytesPerSecond: number
  writesPerSecond: number
  /** CPU of each process, in seconds per 10⁹ bytes. What is of the server is NaN if there is none. */
  senderCpu: number
  serverCpu: number
  receiverCpu: number
  /** Resident bytes of each process at the end. */
  senderRss: number
  serverRss: number
  receiverRss: number
}

/** A window needs some round trips to grow: so many times the delay are added to the warm-up. */
const WARMUP_ROUND_TRIPS = 20
const MICROSECONDS = 1e6
const GB = 1e9

/** How things stand in each process. */
interface Moment<Reading> {
  sender: PeerReport
  server: Reading
  receiver: PeerReport
}

/** What passed in the time that was measured. */
interface TransferRun<Reading> {
  bytes: number
  milliseconds: number
  before: Moment<Reading>
  after: Moment<Reading>
}

export async function measureTransfer(
  contender: PeerContender,
  { size, delay: added }: TransferCase,
  { warmup, seconds, profiles }: Conditions
): Promise<TransferFigures> {
  const pair = await openPair(contender, { size, delay: added, reads: true, profiles })
  const run = await runTransfer(pair, { warmup: warmup + (2 * added * WARMUP_ROUND_TRIPS) / 1000, seconds })
  const { bytes, milliseconds, before, after } = run
  const perGB = (role: 'sender' | 'server' | 'receiver') =>
    ((after[role].cpu - before[role].cpu) / MICROSECONDS) * (GB / bytes)
  return {
    megabytesPerSecond: bytes / milliseconds / 1000,
    writesPerSecond: ((bytes / size) * 1000) / milliseconds,
    senderCpu: perGB('sender'),
    serverCpu: perGB('server'),
    receiverCpu: perGB('receiver'),
    senderRss: after.sender.rss,
    serverRss: after.server.rss,
    receiverRss: after.receiver.rss
  }
}

/** One sender writes as fast as its library lets it, one receiver checks what comes; then all of the pair is stopped. */
export async function runTransfer<Reading>(
  pair: Pair<Reading>,
  { warmup, seconds }: Conditions
): Promise<TransferRun<Reading>> {
  const { server, sender, receiver } = pair
  const snapshot = async (): Promise<Moment<Reading>> => {
    const [to, from, at] = await Promise.all([
      receiver.ask({ do: 'report' }),
      sender.ask({ do: 'report' }),
      server.usage()
    ])
    return { receiver: to, sender: from, server: at }
  }

  await sender.ask({ do: 'send' })
  await delay(warmup * 1000)
  const before = await snapshot()
  await delay(seconds * 1000)
  const after = await snapshot()
  const [sent, received] = await Promise.all([sender.ask({ do: 'stop' }), receiver.ask({ do: 'await end' })])
  if (sent.bytes !== received.bytes) throw new Error(`${sent.bytes} bytes were sent, ${received.bytes} arrived`)
  await pair.stop()

  const bytes = after.receiver.bytes - before.receiver.bytes
  if (bytes === 0) throw new Error('nothing arrived while it was measured')
  return { bytes, milliseconds: after.receiver.at - before.receiver.at, before, after }
}
