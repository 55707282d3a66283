/**
 * A pair in a process of its own, so that what it measures is the server's doing: small messages at a steady rate, while
 * others do things to the server.
 */
import { Metronome, type LatencyFigures } from '../load/metronome.js'
import { serve, setupOf } from '../peers/channel.js'
import { openSignedPair } from './signed-pair.js'

export interface WitnessSetup {
  port: number
  challenge: boolean
}

/** Answered with what was measured since the last command. */
export interface WitnessCommand {
  take: 'figures' | 'none'
}

const PER_SECOND = 100
const LOOK_INTERVAL = 20

const { port, challenge } = setupOf<WitnessSetup>()
const metronome = new Metronome(await openSignedPair(port, challenge), PER_SECOND)
metronome.start()

serve<WitnessCommand, LatencyFigures>({}, async ({ take }) => {
  // Those that wait in the server are those that take longest.
  metronome.stop()
  while (metronome.underWay > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL))
  const figures = take === 'figures' ? metronome.figures() : { p50: 0, p99: 0, max: 0, messages: 0 }
  metronome.reset()
  metronome.start()
  return figures
})
