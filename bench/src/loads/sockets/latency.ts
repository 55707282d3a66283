import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import type { Conditions } from '../../harness/measure.js'
import { ascending, percentile } from '../../report/percentile.js'
import { Metronome, type LatencyFigures } from './metronome.js'

export interface LatencyCase {
  kind: 'latency'
  perSecond: number
}

export interface AddedLatencyFigures extends LatencyFigures {
  /** Of a message that goes from socket to socket with no server between. */
  directP50: number
  directP99: number
}

/** A percentile near the end wants more messages than an average. */
const STRETCH = 2

/** One pair, small messages at a steady rate, compared to a direct connection in the same process. */
export async function measureLatency(
  server: RunningServer,
  { perSecond }: LatencyCase,
  { warmup, seconds }: Conditions
): Promise<AddedLatencyFigures> {
  const metronome = new Metronome(await server.openPair(), perSecond)
  metronome.start()
  await delay(warmup * 1000)
  metronome.reset()
  await delay(seconds * STRETCH * 1000)
  metronome.stop()
  while (metronome.underWay > 0) await delay(1)
  const direct = await measureDirect(perSecond, Math.min(seconds, 2))
  return {
    ...metronome.figures(),
    directP50: percentile(direct, 0.5),
    directP99: percentile(direct, 0.99)
  }
}

const DIRECT_MESSAGE = 200

/** Milliseconds that messages need from one socket to the other, ascending. */
async function measureDirect(perSecond: number, seconds: number): Promise<Float64Array> {
  const listener = createServer({ noDelay: true })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo // it listens on TCP
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve))
  const near = connect({ host: '127.0.0.1', port, noDelay: true })
  const far = await accepted
  const sentAt: number[] = []
  const latencies: number[] = []
  let bytes = 0
  far.on('data', (chunk) => {
    bytes += chunk.length
    while (bytes >= (latencies.length + 1) * DIRECT_MESSAGE) {
      latencies.push(performance.now() - (sentAt[latencies.length] ?? 0))
    }
  })
  const half = Buffer.alloc(DIRECT_MESSAGE / 2)
  const begin = performance.now()
  const timer = setInterval(() => {
    while (sentAt.length < ((performance.now() - begin) * perSecond) / 1000) {
      sentAt.push(performance.now())
      near.write(half)
      near.write(half)
    }
  }, 1)
  await delay(seconds * 1000)
  clearInterval(timer)
  while (latencies.length < sentAt.length) await delay(1)
  near.destroy()
  far.destroy()
  listener.close()
  return ascending(latencies)
}
