/** A node of a star as far as its registry goes, in a process of its own: the backplane, with nobody connected to it. */
import type { BackplaneObserver } from '../../../../packages/rendezvous/dist/cluster/backplane.js'
import { Claim } from '../../../../packages/rendezvous/dist/registry/claim.js'
import { openBackplane } from '../../../../packages/rendezvous/dist/cluster/open-backplane.js'
import { parseOptions } from '../../../../packages/rendezvous/dist/options.js'
import { Condition, serve, setupOf, sharedNow } from '../../processes/serve.js'
import { randomPeerId } from '../../wire/peer-id.js'

export interface RegistrySetup {
  redis: string
}

const { redis } = setupOf<RegistrySetup>()
const known = new Set<string>()
const hearing = new Condition()
const began = sharedNow()
let snapshot = Number.NaN

const observer: BackplaneObserver = {
  joined: ({ key }) => {
    known.add(key)
    hearing.changed()
  },
  left: (key) => {
    known.delete(key)
  },
  snapshot: (records) => {
    snapshot = sharedNow()
    known.clear()
    for (const { key } of records) known.add(key)
    hearing.changed()
  },
  frame: () => {},
  room: () => {},
  lost: () => {}
}

const backplane = openBackplane(
  parseOptions({ redis }),
  (error) => {
    throw error
  },
  undefined
)
await backplane.start(observer)

/** Times are by the clock that all processes share. */
const commands = {
  /** Returns when the node was started, when it had the snapshot, and the peers of others that it had then. */
  started: () => ({ began, done: snapshot, known: known.size }),
  /** Claims so many peers. Returns when it began, once the registry has them all. */
  claim: async (peers: number) => {
    const claims = Array.from({ length: peers }, randomClaim)
    const began = sharedNow()
    for (const claim of claims) backplane.claim(claim)
    await Promise.all(claims.map((claim) => claim.settled))
    const done = sharedNow()
    const refused = claims.filter(({ generation }) => !generation).length
    if (refused > 0) throw new Error(`${refused} of ${claims.length} claims have no generation`)
    return { began, done }
  },
  /** Returns when so many peers of others were known, once they are. */
  heard: (peers: number) => hearing.until(() => (known.size < peers ? undefined : sharedNow()))
}

export type RegistryProcess = typeof commands

serve(commands)

function randomClaim(): Claim {
  const key = randomPeerId()
  return new Claim(key, `/dns4/star.example.com/tcp/443/wss/p2p-websocket-star/p2p/${key}`)
}
