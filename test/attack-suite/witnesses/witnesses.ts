import { getPriority, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { endWithParent, serve } from '../../../bench/src/processes/serve.js'
import type { VictimKind } from '../attacks/attack.js'
import { OPERATOR_ADDRESS, WITNESS_ADDRESSES } from '../namespace.js'
import type { DelayFigures } from './delays.js'
import { HealthProbe, type HealthFigures } from './health.js'
import { joinLegacy, openLegacyPair } from './legacy.js'
import { joinNew, openNewPair } from './new.js'
import type { Pair, Place } from './pair.js'
import { openVictim, type Check, type Victim } from './victim.js'

/** The process of those who behave: two pairs that relay, two peers that are idle, whoever asks for `/health`, and a victim. */

/** Milliseconds between two messages of a pair. */
const BEAT = 10
/** Messages of both pairs that may be under way at any time. */
const UNDER_WAY = 10
/** Milliseconds after which an answer of `/health` is late. */
const LATE = 1_000
/** Has what happens be seen when it does, however busy the machine is. */
const PRECEDENCE = 10

export interface Testimony {
  readonly legacy: DelayFigures
  readonly new: DelayFigures
  readonly health: HealthFigures
  /** Witnesses that lost their connection, and how. */
  readonly lost: readonly string[]
}

const lost: string[] = []
let pairs: { legacy: Pair; new: Pair } | undefined
let health: HealthProbe | undefined
let victim: Victim | undefined

function testimony(): Testimony {
  if (pairs === undefined || health === undefined) throw new Error('testimony comes after open')
  return {
    legacy: pairs.legacy.delays.figures(),
    new: pairs.new.delays.figures(),
    health: health.figures(),
    lost: [...new Set(lost)]
  }
}

const commands = {
  /** Connects all of them, and begins; the victim's address on the star. */
  open: async ({
    url,
    prefix,
    kind
  }: {
    url: string
    prefix: string
    kind: VictimKind | undefined
  }): Promise<string> => {
    const place = (index: number): Place => ({
      url,
      prefix,
      from: WITNESS_ADDRESSES[index] ?? '',
      lost: (what) => void lost.push(what)
    })
    pairs = { legacy: await openLegacyPair(place(0), place(1)), new: await openNewPair(place(2), place(3)) }
    await joinLegacy('legacy bystander', place(4))
    await joinNew('new bystander', place(5))
    if (kind !== undefined) victim = await openVictim(kind, place(6), place(7))
    health = new HealthProbe(url, OPERATOR_ADDRESS)
    const { legacy, new: today } = pairs
    setInterval(() => {
      legacy.beat()
      today.beat()
    }, BEAT)
    return victim?.address ?? ''
  },
  /** Counts from now on. */
  reset: (): void => {
    pairs?.legacy.delays.reset()
    pairs?.new.delays.reset()
    health?.reset()
  },
  /** @returns what has to work for the victim, and whether it does */
  check: async (): Promise<Check[]> => (await victim?.check()) ?? [],
  /** Waits until what was sent has arrived, for so many milliseconds at most. */
  testify: async (patience: number): Promise<Testimony> => {
    const end = performance.now() + patience
    for (;;) {
      const last = testimony()
      const { legacy, new: today, health } = last
      const isCalm = legacy.missing + today.missing < UNDER_WAY && health.waiting < LATE
      if (isCalm || last.lost.length > 0 || performance.now() > end) return last
      await delay(50)
    }
  }
}

export type WitnessCommands = typeof commands

try {
  setPriority(Math.max(-20, getPriority() - PRECEDENCE))
} catch {
  // needs root
}
process.on('uncaughtException', (error) => void lost.push(`witness failed: ${error.message}`))
endWithParent()
serve(commands)
