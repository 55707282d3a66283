/**
 * A pair in a process of its own, so that what it measures is the server's doing: small messages at a steady rate, while
 * others do things to the server.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { serve, setupOf } from '../../processes/serve.js'
import { Metronome } from '../sockets/metronome.js'
import { openSignedPair } from './signed-pair.js'

export interface WitnessSetup {
  port: number
  challenge: boolean
}

const PER_SECOND = 100
const LOOK_INTERVAL = 20

const { port, challenge } = setupOf<WitnessSetup>()
const metronome = new Metronome(await openSignedPair(port, challenge), PER_SECOND)
metronome.start()

const commands = {
  /** Returns what was measured since it was last taken. */
  take: async () => {
    // Those that wait in the server are those that take longest.
    metronome.stop()
    while (metronome.underWay > 0) await delay(LOOK_INTERVAL)
    const figures = metronome.figures()
    metronome.reset()
    metronome.start()
    return figures
  }
}

export type WitnessProcess = typeof commands

serve(commands)
