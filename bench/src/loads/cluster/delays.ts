import { setTimeout as delay } from 'node:timers/promises'
import { headerOf, type WebSocketWire } from '@websocket-star/testkit'
import { openStarServer } from '../../contenders/servers/commands.js'
import type { Trial } from '../../harness/measure.js'
import { ascending, percentile } from '../../report/percentile.js'
import type { StarPair } from '../../wire/pair.js'
import { patternOf, Train } from '../../wire/train.js'
import { Verifier } from '../../wire/verifier.js'
import { openStar, type StarContender } from './star.js'

/** Something that is done again and again, each time when the last one is over and both nodes are idle. */
export interface DelayCase {
  kind: 'round-trip' | 'dial'
}

/** In milliseconds. */
export interface DelayFigures {
  p50: number
  p99: number
}

type DelayTrial = Trial<StarContender>

const PAYLOAD = 1024
/** Milliseconds between two actions, in which all processes come to rest. */
const PAUSE = 5
/** So often for each second of warming up it is done in a row: V8 has compiled by then what it takes. */
const WARMUP_RATE = 5_000
/** A percentile near the end wants more than an average. */
const STRETCH = 2

/** From writing 1 KiB until the same amount is back, which the other peer writes when it has all of it. */
export function measureRoundTrips(_: DelayCase, trial: DelayTrial): Promise<DelayFigures> {
  return measureDelays(trial, ({ near, far, dialled, answered, lead }) => {
    let home = (): void => {}
    const answer = sender(answered.sends, lead, [far, near], () => home())
    const ask = sender(dialled.sends, lead, [near, far], answer)
    return () =>
      new Promise((resolve) => {
        const began = performance.now()
        home = () => resolve(performance.now() - began)
        ask()
      })
  })
}

/** From dialling until the other peer's answer is there. */
export function measureDials(_: DelayCase, trial: DelayTrial): Promise<DelayFigures> {
  return measureDelays(trial, ({ dialer, listener }) => {
    return async () => {
      const began = performance.now()
      const answered = listener.answer(null)
      const dialled = await dialer.dial(listener.address)
      const milliseconds = performance.now() - began
      await answered
      dialled.end(true)
      dialled.refuse(true)
      for (const peer of [dialer, listener]) peer.forget()
      return milliseconds
    }
  })
}

/**
 * Does something again and again with a pair of raw peers.
 *
 * @param prepare - returns what is done; it tells how many milliseconds it took
 */
async function measureDelays(
  { contender, warmup, seconds, profiles }: DelayTrial,
  prepare: (pair: StarPair) => () => Promise<number>
): Promise<DelayFigures> {
  const star = await openStar(contender, openStarServer(), profiles)
  const act = prepare(await star.openPair())
  for (let done = 0; done < warmup * WARMUP_RATE; done++) await act()
  const times = ascending(await repeat(act, seconds * STRETCH))
  await star.stop()
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

async function repeat(act: () => Promise<number>, seconds: number): Promise<number[]> {
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    times.push(await act())
    await delay(PAUSE)
  }
  return times
}

/** Returns a function that sends the next message of a stream; each is checked when it arrives. */
function sender(
  stream: string,
  lead: Uint8Array,
  [from, to]: readonly [WebSocketWire, WebSocketWire],
  onArrival: () => void
): () => void {
  const shape = { header: headerOf(stream), lead, payload: patternOf(0, PAYLOAD) }
  const verifier = new Verifier(stream, shape)
  verifier.onMessage = onArrival
  to.filter((...frame) => verifier.take(...frame))
  const train = new Train(shape, 1)
  let sent = 0
  return () => from.tcp.write(train.number(sent++))
}
