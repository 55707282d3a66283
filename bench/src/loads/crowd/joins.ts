import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import { Crowd } from './crowd.js'
import { ed25519Identities, type Identity } from './identity.js'
import { rsaIdentities } from './rsa-pool.js'
import { warmUp } from './warm-up.js'

/** Peers that join, a few at a time. */
export interface JoinsCase {
  kind: 'join'
  /** What they sign the challenge with; `none`: there is no challenge. */
  key: 'RSA-2048' | 'Ed25519' | 'none'
  joins: number
  /** Whether they stay, so that each is announced to all before it, or leave as soon as they have joined. */
  stay: boolean
}

export interface JoinsFigures {
  joins: number
  /** Milliseconds of the server's CPU. */
  cpuPerJoin: number
}

/** How often all have joined before: it is what joins cost a server that has been up for a while. */
const WARM_UPS = 8
/** How often peers that leave again join. */
const ROUNDS = 8
/** Milliseconds in which a server finishes what the last join gave it to do. */
const AFTERWARDS = 500

export async function measureJoins(server: RunningServer, { key, joins, stay }: JoinsCase): Promise<JoinsFigures> {
  const identities: Identity[] = key === 'RSA-2048' ? await rsaIdentities(joins) : ed25519Identities(joins)
  await warmUp(server, identities, WARM_UPS)
  const crowd = new Crowd(server)
  const before = await server.usage()
  const rounds = stay ? 1 : ROUNDS
  for (let round = 0; round < rounds; round++) {
    await crowd.join(identities, (peer) => {
      if (!stay) peer.drop()
    })
  }
  await delay(AFTERWARDS)
  const after = await server.usage()
  crowd.close()
  return { joins: joins * rounds, cpuPerJoin: (after.cpu - before.cpu) / 1000 / (joins * rounds) }
}
