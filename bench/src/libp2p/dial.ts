import { setTimeout as delay } from 'node:timers/promises'
import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import { RemoteProcess } from '../end-to-end/remote-process.js'
import { percentile } from '../load/percentile.js'
import type { EchoCommand, EchoReady, EchoReport, EchoSetup } from '../peers/echo-process.js'
import type { Libp2pTrial } from './cases.js'
import { WAYS } from './contenders.js'

export interface DialCase {
  kind: 'dial'
  count: number
}

/** From dialling a protocol until the first byte is back, in milliseconds. */
export interface DialFigures {
  p50: number
  p90: number
}

const ECHO_PROCESS = new URL('../peers/echo-process.js', import.meta.url)
/** Dials before those that count: the first ones wait for code to be compiled. */
const WARMUP_DIALS = 10
/** Milliseconds between dials, in which both nodes and the server get over the last one. */
const PAUSE = 20

/** One node dials the other again and again, each time with a connection of its own. */
export async function measureDial(
  { count }: DialCase,
  { contender: way, profiles }: Omit<Libp2pTrial, 'case'>
): Promise<DialFigures> {
  const place = await openMeetingPlace(WAYS[way], profiles)
  const setup: EchoSetup = { way, server: place.server, modules: place.modules }
  const start = (role: string) =>
    RemoteProcess.start<EchoCommand, EchoReport, EchoReady>(ECHO_PROCESS, setup, { role, profiles })
  const [[dialer], [listener, { address }]] = await Promise.all([start('sender'), start('receiver')])
  const times: number[] = []
  for (let dial = 0; dial < WARMUP_DIALS + count; dial++) {
    const { milliseconds } = await dialer.ask({ dial: address })
    if (dial >= WARMUP_DIALS) times.push(milliseconds)
    await delay(PAUSE)
  }
  await Promise.all([dialer.stop(), listener.stop()])
  await place.stop()
  const sorted = Float64Array.from(times).toSorted()
  return { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) }
}
