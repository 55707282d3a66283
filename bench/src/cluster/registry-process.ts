/** A node of a star as far as its registry goes, in a process of its own: the backplane, with nobody connected to it. */
import type { BackplaneListener } from '../../../packages/rendezvous/dist/cluster/backplane.js'
import { Claim } from '../../../packages/rendezvous/dist/registry/claim.js'
import { openBackplane } from '../../../packages/rendezvous/dist/cluster/open-backplane.js'
import { parseOptions } from '../../../packages/rendezvous/dist/options.js'
import { serve, setupOf } from '../peers/channel.js'
import { randomPeerId } from '../wire/peer-id.js'

export interface RegistrySetup {
  redis: string
}

export type RegistryCommand =
  /** Claims so many peers. Answered once the registry has them all. */
  | { do: 'claim'; peers: number }
  /** Answered once it knows of so many peers of others. */
  | { do: 'await'; peers: number }

/** Times are milliseconds, by a clock that all processes of a machine share. */
export interface RegistryReport {
  /** When the command was begun: that of a start, when the backplane was. */
  began: number
  /** When it was done: of a start, when the snapshot was there. */
  done: number
  /** Peers of others that are known. */
  known: number
}

const { redis } = setupOf<RegistrySetup>()
const known = new Set<string>()
const waiting = new Set<() => void>()
const ready: RegistryReport = { began: now(), done: Number.NaN, known: Number.NaN }

const listener: BackplaneListener = {
  joined: ({ key }) => {
    known.add(key)
    for (const look of waiting) look()
  },
  left: (key) => {
    known.delete(key)
  },
  snapshot: (records) => {
    ready.done = now()
    known.clear()
    for (const { key } of records) known.add(key)
    for (const look of waiting) look()
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
await backplane.start(listener)

serve<RegistryCommand, RegistryReport>({ ...ready, known: known.size } satisfies RegistryReport, async (command) => {
  if (command.do === 'await') {
    const began = now()
    await until(command.peers)
    return { began, done: now(), known: known.size }
  }
  const claims = Array.from({ length: command.peers }, randomClaim)
  const began = now()
  for (const claim of claims) backplane.claim(claim)
  await Promise.all(claims.map((claim) => claim.settled))
  const done = now()
  const refused = claims.filter(({ generation }) => !generation).length
  if (refused > 0) throw new Error(`${refused} of ${claims.length} claims have no generation`)
  return { began, done, known: known.size }
})

/** Until so many peers of others are known. */
function until(peers: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (known.size < peers) return
      waiting.delete(look)
      resolve()
    }
    waiting.add(look)
    look()
  })
}

function randomClaim(): Claim {
  const key = randomPeerId()
  return new Claim(key, `/dns4/star.example.com/tcp/443/wss/p2p-websocket-star/p2p/${key}`)
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
