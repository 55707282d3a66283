import { setTimeout as delay } from 'node:timers/promises'
import type { Trial } from '../harness/measure.js'
import { ascending, percentile } from '../load/percentile.js'
import type { NodeContender } from '../peers/contender.js'
import type { EchoProcess } from './echo-process.js'
import { openNodes } from './nodes.js'

export interface DialCase {
  kind: 'dial'
  count: number
}

/** From dialling a protocol until the first byte is back, in milliseconds. */
export interface DialFigures {
  p50: number
  p90: number
}

const ECHO_PROCESS = new URL('./echo-process.js', import.meta.url)
/** Dials before those that count: the first ones wait for code to be compiled. */
const WARMUP_DIALS = 10
/** Milliseconds between dials, in which both nodes and the server get over the last one. */
const PAUSE = 20

/** One node dials the other again and again, each time with a connection of its own. */
export async function measureDial(
  { count }: DialCase,
  { contender, profiles }: Trial<NodeContender>
): Promise<DialFigures> {
  const { first: dialer, second: listener, stop } = await openNodes<EchoProcess>(ECHO_PROCESS, contender, profiles)
  const address = await listener.call('address')
  const times: number[] = []
  for (let dial = 0; dial < WARMUP_DIALS + count; dial++) {
    const milliseconds = await dialer.call('dial', address)
    if (dial >= WARMUP_DIALS) times.push(milliseconds)
    await delay(PAUSE)
  }
  await stop()
  const sorted = ascending(times)
  return { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) }
}
