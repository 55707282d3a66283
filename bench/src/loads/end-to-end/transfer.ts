import { setTimeout as delay } from 'node:timers/promises'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import type { Conditions, Trial } from '../../harness/measure.js'
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

export async function measureTransfer(
  { size, delay: added }: TransferCase,
  { contender, warmup, seconds, profiles }: Trial<PeerContender>
): Promise<TransferFigures> {
  const pair = await openPair(contender, { size, delay: added, reads: true, profiles })
  const run = await runTransfer(pair, { warmup: warmup + (2 * added * WARMUP_ROUND_TRIPS) / 1000, seconds })
  const { bytes, milliseconds, before, after } = run
  const perGB = (role: 'sender' | 'server' | 'receiver') => cpuPerGB(after[role].cpu - before[role].cpu, bytes)
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

/** Returns seconds per 10⁹ bytes. @param cpu - microseconds */
export function cpuPerGB(cpu: number, bytes: number): number {
  return (cpu / MICROSECONDS) * (GB / bytes)
}

/**
 * One sender writes as fast as its library lets it, one receiver checks what comes; then all of the pair is stopped.
 *
 * @returns what passed in the time that was measured, and how things stood before and after
 */
export async function runTransfer<Reading, More extends object>(
  pair: Pair<Reading, More>,
  { warmup, seconds }: Conditions
) {
  const { server, sender, receiver } = pair
  const snapshot = async () => {
    // The others are asked when the receiver has answered: a busy page may take a while to look at the question.
    const to = await receiver.call('report')
    const [from, at] = await Promise.all([sender.call('report'), server.usage()])
    return { receiver: to, sender: from, server: at }
  }

  await sender.call('send')
  await delay(warmup * 1000)
  const before = await snapshot()
  await delay(seconds * 1000)
  const after = await snapshot()
  const [sent, received] = await Promise.all([sender.call('stop'), receiver.call('ended')])
  if (sent.bytes !== received.bytes) throw new Error(`${sent.bytes} bytes were sent, ${received.bytes} arrived`)
  await pair.stop()

  const bytes = after.receiver.bytes - before.receiver.bytes
  if (bytes === 0) throw new Error('nothing arrived while it was measured')
  return { bytes, milliseconds: after.receiver.at - before.receiver.at, before, after }
}
