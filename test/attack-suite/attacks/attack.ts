import type { Identity, KeyKind } from '../../support/raw-identity.js'
import type { Link } from './link.js'
import type { Tally } from './tally.js'

/** A peer that is attacked in particular: it takes each dial, as clients do. */
export type VictimKind = 'legacy' | 'new'

export interface Attack {
  readonly name: string
  /** What each attacker does. */
  readonly about: string
  /** Connections, in multiples of those asked for. Default 1. */
  readonly scale?: number
  /** Addresses that the attackers have. Default 1. */
  readonly addresses?: number
  /** Seconds it takes at least, for what the server does only after a while. */
  readonly seconds?: number
  /** Keys for each attacker, made before the attack. */
  readonly keys?: { readonly kind: KeyKind; readonly each: number }
  /** Files that the server may have open. */
  readonly openFiles?: number
  readonly victim?: VictimKind
  /** Whether the operator's token has to open what it opens. */
  readonly checksToken?: boolean
  /** Attacks until the scene's signal. */
  run(scene: Scene): Promise<void>
}

/** What an attack works with. */
export interface Scene {
  readonly url: string
  readonly host: string
  readonly port: number
  /** What addresses begin with. */
  readonly prefix: string
  readonly connections: number
  /** The victim's address on the star. */
  readonly victim: string
  readonly signal: AbortSignal
  readonly tally: Tally
  readonly link: Link
  /** Returns the network address of one attacker. */
  addressOf(index: number): string
  /** Returns one of the keys that were made for an attacker. */
  keyOf(index: number, which?: number): Identity
}

/** Carries out something for each attacker, all at the same time. */
export async function eachAttacker(scene: Scene, act: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: scene.connections }, (_, index) => act(index)))
}
