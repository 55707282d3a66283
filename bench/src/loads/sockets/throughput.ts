import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import type { Conditions } from '../../harness/measure.js'
import type { OpenSender, Sender, WriteMode } from './sender.js'
import { webSocketSenders } from './websocket-sender.js'

export interface ThroughputCase {
  kind: 'throughput'
  /** Bytes of each message. */
  payload: number
  pairs: number
  mode: WriteMode
}

export interface ThroughputFigures {
  /** Server CPU, in microseconds. */
  cpuPerMessage: number
  /** Server CPU, in seconds per 10⁹ bytes of payload. */
  cpuPerGB: number
  /** Reads and writes of the server's process, where Linux counts them. */
  readsPerMessage: number
  writesPerMessage: number
  messagesPerSecond: number
  megabytesPerSecond: number
  /** Largest resident size of the server so far, in bytes. */
  peakRss: number
  /** Share of a core that the server used, and the load: at 1 it is what limits the rate. */
  serverBusy: number
  loadBusy: number
}

/** Payload under way per pair, and for all pairs together, in bytes. */
const WINDOW_PER_PAIR = 1 << 20
const WINDOW_IN_ALL = 4 << 20
const MAX_BURST = 1024
/** What code needs to have run through before it is measured; slow cases give up after so many times the warm-up. */
const WARMUP_MESSAGES = 10_000
const LONGEST_WARMUP = 5
/** How long the last messages may take to arrive, in milliseconds. */
const DRAIN_TIMEOUT = 20_000

export async function measureThroughput(
  server: RunningServer,
  of: ThroughputCase,
  conditions: Conditions
): Promise<ThroughputFigures> {
  const open = server.openSender ?? webSocketSenders(server)
  const { messages, elapsed, load, before, after } = await runLoad(server, open, of, conditions)
  const cpu = after.cpu - before.cpu
  return {
    cpuPerMessage: cpu / messages,
    cpuPerGB: (cpu * 1000) / (messages * of.payload),
    readsPerMessage: (after.reads - before.reads) / messages,
    writesPerMessage: (after.writes - before.writes) / messages,
    messagesPerSecond: (messages * 1e6) / elapsed,
    megabytesPerSecond: (messages * of.payload) / elapsed,
    peakRss: after.peakRss,
    serverBusy: cpu / elapsed,
    loadBusy: load / elapsed
  }
}

/**
 * Sends as much as the windows allow for so many seconds, and waits until all of it has arrived.
 *
 * @returns what passed in that time, with the time and the CPU of this process in microseconds, and what was read of the
 *   servers before and after
 */
export async function runLoad<Reading>(
  server: { usage(): Promise<Reading> },
  open: OpenSender,
  { payload, pairs, mode }: ThroughputCase,
  { warmup, seconds }: Conditions
) {
  const bytes = Math.min(WINDOW_PER_PAIR, WINDOW_IN_ALL / pairs)
  const burst = Math.max(1, Math.min(MAX_BURST, Math.floor(bytes / 2 / payload)))
  const window = mode === 'lockstep' ? 1 : 2 * burst
  const senders: Sender[] = []
  for (let index = 0; index < pairs; index++) senders.push(await open({ index, payload, mode, burst, window }))
  const received = () => senders.reduce((sum, sender) => sum + sender.received, 0)
  const sent = () => senders.reduce((sum, sender) => sum + sender.sent, 0)
  const snapshot = async () => {
    const usage = await server.usage()
    const { user, system } = process.cpuUsage()
    return { usage, received: received(), load: user + system, at: performance.now() }
  }

  for (const sender of senders) sender.start()
  await delay(warmup * 1000)
  for (let waited = warmup; waited < LONGEST_WARMUP * warmup && received() < WARMUP_MESSAGES; waited += 0.1) {
    await delay(100)
  }
  const before = await snapshot()
  await delay(seconds * 1000)
  const after = await snapshot()
  for (const sender of senders) sender.stop()
  const deadline = performance.now() + DRAIN_TIMEOUT
  while (received() < sent()) {
    if (performance.now() > deadline) throw new Error(`${sent() - received()} of ${sent()} messages never arrived`)
    await delay(5)
  }

  const messages = after.received - before.received
  if (messages === 0) throw new Error('nothing arrived while it was measured')
  return {
    messages,
    elapsed: (after.at - before.at) * 1000,
    load: after.load - before.load,
    before: before.usage,
    after: after.usage
  }
}
