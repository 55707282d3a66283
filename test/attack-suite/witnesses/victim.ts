import { within } from '@websocket-star/testkit'
import type { VictimKind } from '../attacks/attack.js'
import { openTaker } from './legacy.js'
import { joinNew } from './new.js'
import type { Place } from './pair.js'

/** Milliseconds. */
const PATIENCE = 5_000

/** Something that has to work while the attack goes on. */
export interface Check {
  readonly what: string
  readonly failure?: string
}

/** A peer under attack, and a stranger who has nothing to do with it. */
export interface Victim {
  /** Its address on the star. */
  readonly address: string
  check(): Promise<Check[]>
}

export async function openVictim(kind: VictimKind, place: Place, strangerPlace: Place): Promise<Victim> {
  if (kind === 'legacy') {
    const victim = await openTaker('victim', place)
    const stranger = await openTaker('stranger', strangerPlace)
    return {
      address: victim.address,
      check: () =>
        both(
          async () => await stranger.dial(victim.address),
          async () => await victim.dial(stranger.address)
        )
    }
  }
  const victim = await joinNew('victim', place)
  const stranger = await joinNew('stranger', strangerPlace)
  for (const client of [victim, stranger]) client.handle(async ({ closed }) => await closed.catch(() => {}))
  const addressOf = (id: string): string => `${place.prefix}/p2p/${id}`
  return {
    address: addressOf(victim.peerId),
    check: () =>
      both(
        async () => await stranger.dial(addressOf(victim.peerId)),
        async () => await victim.dial(addressOf(stranger.peerId))
      )
  }
}

async function both(there: () => Promise<unknown>, back: () => Promise<unknown>): Promise<Check[]> {
  return await Promise.all([
    attempt('a stranger dials the victim', there),
    attempt('the victim dials a stranger', back)
  ])
}

async function attempt(what: string, act: () => Promise<unknown>): Promise<Check> {
  try {
    await within(what, act(), PATIENCE)
    return { what }
  } catch (error) {
    return { what, failure: error instanceof Error ? error.message : String(error) }
  }
}
