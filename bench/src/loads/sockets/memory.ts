import { setTimeout as delay } from 'node:timers/promises'
import { Peak } from '../../contenders/servers/peak.js'
import type { RunningServer } from '../../contenders/servers/server.js'
import { Skipped } from '../../harness/measure.js'
import { openStarPair, type Pair, type StarPair } from '../../wire/pair.js'
import { patternOf, Train } from '../../wire/train.js'
import { Metronome } from './metronome.js'

export interface MemoryCase {
  kind: 'memory'
  /** A legacy sender floods; one that knows windows sends what it was granted. */
  sender: 'legacy' | 'windowed'
  /** Bytes pushed at a receiver that does not read. */
  bytes: number
  /** Seconds without progress after which the server counts as holding the sender back. */
  patience: number
}

export interface MemoryFigures {
  /** Bytes that the sender got rid of. What is not in the server then is in the kernel's buffers. */
  taken: number
  /** Growth of the server's resident size while it went on, at most. */
  growth: number
  peakRss: number
  seconds: number
  /** Of another pair that goes on meanwhile, in milliseconds. */
  witnessP50: number
  witnessP99: number
  witnessMax: number
}

const PAYLOAD = 64 * 1024
const WITNESS_PER_SECOND = 1000
const SAMPLE_INTERVAL = 20

/** A receiver stops reading while much is sent to it. */
export async function measureMemory(
  server: RunningServer,
  { sender, bytes, patience }: MemoryCase
): Promise<MemoryFigures> {
  const witness = new Metronome(await server.openPair(), WITNESS_PER_SECOND)
  let victim: Pair
  let grant: Grant | undefined
  if (sender === 'windowed') {
    const pair = await openStarPair(server.port, 4)
    victim = pair
    grant = new Grant(pair)
    if (!pair.dialer.welcome.includes('"websocketStar"')) throw new Skipped('the server does not announce windows')
  } else {
    victim = await server.openPair()
  }
  witness.start()
  await delay(1000)
  witness.reset()

  victim.far.tcp.pause()
  const before = await server.usage()
  const peak = new Peak(server, SAMPLE_INTERVAL)
  const begin = performance.now()
  const { taken, lastProgress } = await push(victim, bytes, patience, grant)
  const highest = await peak.stop()
  witness.stop()
  const { peakRss } = await server.usage()
  const { p50, p99, max } = witness.figures()
  victim.near.close()
  victim.far.close()
  return {
    taken,
    growth: Math.max(highest, before.rss) - before.rss,
    peakRss,
    seconds: (lastProgress - begin) / 1000,
    witnessP50: p50,
    witnessP99: p99,
    witnessMax: max
  }
}

/** What a receiver, or the server in its place, lets a windowed sender send. */
class Grant {
  /** Bytes of payload; infinite if nobody spoke of a window. */
  left = Number.POSITIVE_INFINITY

  constructor({ dialled, acceptance }: StarPair) {
    if (typeof acceptance === 'object' && acceptance !== null && 'window' in acceptance) {
      this.left = Number(acceptance.window)
    }
    void this.#add(dialled)
    void dialled.stopped().then(
      () => (this.left = 0),
      () => {}
    )
  }

  async #add(dialled: StarPair['dialled']): Promise<void> {
    try {
      for (;;) this.left += Number(await dialled.granted())
    } catch {
      // The connection has ended.
    }
  }
}

/** Writes until all is gone, or nothing leaves any more. The server may reset the stream or end the connection. */
async function push(
  { near, far, header, lead }: Pair,
  bytes: number,
  patience: number,
  grant: Grant | undefined
): Promise<{ taken: number; lastProgress: number }> {
  near.expectClose()
  far.expectClose()
  const message = new Train({ header, lead, payload: patternOf(0, PAYLOAD) }, 1).number(0)
  const startedWith = near.tcp.bytesWritten
  const left = () => near.tcp.bytesWritten - near.tcp.writableLength - startedWith
  const mayWrite = () => near.tcp.writableLength < 4 * message.length && (grant === undefined || grant.left >= PAYLOAD)
  let written = 0
  let taken = 0
  let counted = 0
  let lastProgress = performance.now()
  while (taken < bytes && !near.tcp.destroyed) {
    while (written < bytes && mayWrite()) {
      near.tcp.write(message)
      written += PAYLOAD
      if (grant !== undefined) grant.left -= PAYLOAD
    }
    await delay(1)
    taken = left()
    // Heartbeats leave too, and are no progress.
    if (taken - counted >= message.length) {
      counted = taken
      lastProgress = performance.now()
    }
    if (performance.now() - lastProgress > patience * 1000) break
  }
  return { taken, lastProgress }
}
