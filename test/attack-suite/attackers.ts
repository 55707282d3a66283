import { setMaxListeners } from 'node:events'
import { endWithParent, serve } from '../../bench/src/processes/serve.js'
import { createIdentity, type Identity } from '../support/raw-identity.js'
import type { Attack, Scene } from './attacks/attack.js'
import { ATTACKS } from './attacks/index.js'
import { Link } from './attacks/link.js'
import { Tally, type Haul } from './attacks/tally.js'
import { attackerAddress } from './namespace.js'

/** The process of all attackers. */

export interface Orders {
  readonly attack: string
  readonly url: string
  readonly prefix: string
  readonly connections: number
  /** Bytes a second of all attackers together. */
  readonly rate: number
}

const tally = new Tally()
const stop = new AbortController()
let attack: Attack | undefined
let scene: Scene | undefined

const commands = {
  /** Makes all that is needed before the attack, such as keys. */
  prepare: async ({ attack: name, url, prefix, connections, rate }: Orders): Promise<void> => {
    attack = ATTACKS.find((one) => one.name === name)
    const { addresses = 1, keys } = attack ?? {}
    const count = keys === undefined ? 0 : keys.each * connections
    const made: Identity[] = []
    for (let index = 0; index < count; index++) made.push(await createIdentity(keys?.kind))
    scene = {
      url,
      host: new URL(url).hostname,
      port: Number(new URL(url).port),
      prefix,
      connections,
      victim: '',
      signal: stop.signal,
      tally,
      link: new Link(rate),
      addressOf: (index) => attackerAddress(index % addresses),
      keyOf: (index, which = 0) => {
        const key = made[index * (keys?.each ?? 0) + which]
        if (key === undefined) throw new RangeError(`attacker ${index} has no key ${which}`)
        return key
      }
    }
  },
  /** @param victim - its address on the star */
  begin: (victim: string): void => {
    if (attack === undefined || scene === undefined) throw new Error('begin comes after prepare')
    attack.run({ ...scene, victim }).catch((error: unknown) => tally.ended(`the attack failed: ${String(error)}`))
  },
  finish: (): Haul => {
    const haul = tally.finish()
    stop.abort()
    return haul
  }
}

export type AttackerCommands = typeof commands

setMaxListeners(0, stop.signal)
// A server that is about to fall sends all kinds of things.
process.on('uncaughtException', (error) => tally.ended(`attacker failed: ${error.message.slice(0, 80)}`))
endWithParent()
serve(commands)
