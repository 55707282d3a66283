import type { RendezvousOptions } from '@websocket-star/rendezvous'
import { Random, within } from '@websocket-star/testkit'
import { test } from 'vitest'
import { createIdentities } from '../support/raw-identity.js'
import { openStar } from '../support/raw-star.js'
import { KINDS } from './actors.js'
import { Walk, type WalkOptions } from './walk.js'

interface Setting extends WalkOptions {
  name: string
  peers: number
  steps: number
  /** Clients there are from the start, and the peers of each. */
  crowd?: readonly [number, number]
  discovery: NonNullable<RendezvousOptions['discovery']>
}

const settings: readonly Setting[] = [
  {
    name: 'who prove who they are',
    peers: 24,
    clients: 24,
    atOnce: 8,
    steps: 84,
    challenge: true,
    discovery: { interval: 100 }
  },
  {
    name: 'who prove nothing',
    peers: 48,
    clients: 24,
    atOnce: 8,
    steps: 84,
    challenge: false,
    discovery: { interval: 100 }
  },
  {
    name: 'who are told of a few at a time',
    peers: 24,
    clients: 24,
    atOnce: 4,
    steps: 120,
    challenge: true,
    discovery: { interval: 20, window: 5, deltaInterval: 5 }
  },
  {
    name: 'of long lists of peers',
    kinds: KINDS.filter(({ hears }) => hears === 'changes'),
    crowd: [6, 60],
    peers: 400,
    clients: 24,
    atOnce: 12,
    steps: 36,
    challenge: false,
    discovery: { interval: 3_600_000, deltaInterval: 5 }
  },
  {
    name: 'who are so many that newcomers wait for each other',
    kinds: KINDS.filter(({ hears }) => hears === 'announcements'),
    peers: 100,
    clients: 90,
    atOnce: 60,
    steps: 12,
    challenge: true,
    discovery: { interval: 1_000 }
  }
]

test.for(settings)('clients $name hear of everyone who is there, and of nobody else', async (setting) => {
  const { peers, steps, crowd, challenge, discovery } = setting
  const seed = chooseSeed()
  const star = await openStar({
    discovery,
    cryptoChallenge: challenge,
    limits: { addressesPerSession: 1_000, joinRoundsPerSecond: 1_000_000 },
    // Who answers is to count as there, however busy the machine.
    join: { takeoverTimeout: 20_000 }
  })
  const walk = new Walk(star, await createIdentities(peers), new Random(seed), setting)
  try {
    if (crowd !== undefined) await walk.populate(...crowd)
    for (let step = 0; step < steps; step++) {
      await within('a step', walk.step())
      if (step % 12 === 11) await walk.rest()
    }
  } catch (cause) {
    throw new Error(`with DISCOVERY_SEED=${seed}, after\n${walk.trail.slice(-40).join('\n')}`, { cause })
  }
})

/** Of this run: the one in `DISCOVERY_SEED`, to see a failure again, or a new one. */
function chooseSeed(): number {
  const given = process.env['DISCOVERY_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}
