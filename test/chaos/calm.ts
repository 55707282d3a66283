import { eventually } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import type { NodeLife, Places } from './nodes.js'
import type { Party } from './parties.js'

/** Milliseconds in which everybody has to be of one mind, once nothing fails any more. */
const CONVERGENCE = 25_000

/** Counts that nothing which was done explains. */
const NEVER: Readonly<Record<string, readonly string[]>> = {
  rendezvous_cluster_refused_total: ['malformed', 'version', 'source', 'links', 'record', 'claim', 'acknowledgement'],
  rendezvous_closed_total: ['heartbeat timeout', 'stalled', 'backlog', 'malformed packet'],
  rendezvous_stream_resets_total: [
    'window exceeded',
    'payload',
    'data before accept',
    'receiver too slow',
    'paused too long'
  ],
  rendezvous_dropped_total: ['foreign stream', 'credit without window', 'malformed', 'too deep']
}

/** What has to be 0 where nobody does anything. */
const IDLE = [
  'rendezvous_streams',
  'rendezvous_paused_senders',
  'rendezvous_waiting',
  'rendezvous_cluster_dials',
  'rendezvous_cluster_kept_bytes',
  'rendezvous_cluster_link_unacknowledged_bytes',
  'rendezvous_cluster_feed_lag',
  'rendezvous_cluster_fenced'
]

const PREFIX = 'ws{star}:'

export interface Scene {
  readonly redis: RedisServer
  readonly places: Places
  readonly parties: readonly Party[]
}

/**
 * Waits until all nodes, the registry and all clients say the same of who is where, and nothing is left over.
 *
 * @returns milliseconds that it took
 * @throws {Error} with what is not as it should be
 */
export async function converged(scene: Scene): Promise<number> {
  const begin = performance.now()
  let wrong: string[] = []
  try {
    await eventually(
      'all to be of one mind',
      async () => {
        wrong = await differences(scene)
        return wrong.length === 0
      },
      CONVERGENCE
    )
  } catch (cause) {
    throw new Error(`After ${CONVERGENCE} ms: ${wrong.slice(0, 12).join('; ') || String(cause)}`, { cause })
  }
  return performance.now() - begin
}

/** All that differs from what is known to be true. */
async function differences({ redis, places, parties }: Scene): Promise<string[]> {
  const there = parties.filter(({ isGone }) => !isGone)
  const truth = new Map(there.map((party) => [party.peer.id, party]))
  const open = places.open
  await Promise.all(open.map((life) => life.readMetrics()))
  const wrong = [
    ...there.filter(({ isThere }) => !isThere).map(({ name }) => `${name} has not joined`),
    ...open.flatMap((life) => differencesOfNode(life, open.length, there)),
    ...(await differencesOfRegistry(redis, truth))
  ]
  for (const party of there) wrong.push(...differencesOfClient(party, truth))
  return wrong
}

function differencesOfNode(life: NodeLife, nodes: number, there: readonly Party[]): string[] {
  const own = there.filter(({ peer }) => peer.way.life === life).length
  const expected = new Map<string, number>([
    ['rendezvous_peers', there.length],
    ['rendezvous_sessions', own],
    ['rendezvous_cluster_nodes', nodes],
    ...IDLE.map((name): [string, number] => [name, 0])
  ])
  return Array.from(expected)
    .filter(([name, value]) => life.sum(name) !== value)
    .map(([name, value]) => `${life.name} has ${name} ${life.sum(name)}, not ${value}`)
}

async function differencesOfRegistry(redis: RedisServer, truth: ReadonlyMap<string, Party>): Promise<string[]> {
  const wrong: string[] = []
  const lines = (await redis.cli('HGETALL', `${PREFIX}reg`)).split('\n').filter((line) => line !== '')
  const owners = new Map<string, string>()
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [id = '', record = ''] = [lines[at], lines[at + 1]]
    const node = record.slice(0, record.indexOf('|'))
    owners.set(id, node)
    const party = truth.get(id)
    const name = party?.peer.way.life?.name
    if (party === undefined) wrong.push(`the registry has ${id}, who is not there, for ${node}`)
    else if (name !== nameOf(node)) wrong.push(`the registry has ${party.name} for ${node}, not for ${String(name)}`)
  }
  for (const [id, { name }] of truth) if (!owners.has(id)) wrong.push(`the registry does not have ${name}`)
  const sets = (await redis.cli('KEYS', `${PREFIX}own:*`)).split('\n').filter((line) => line !== '')
  for (const key of sets) {
    const node = key.slice(`${PREFIX}own:`.length)
    const own = (await redis.cli('SMEMBERS', key)).split('\n')
    for (const id of own) if (owners.get(id) !== node) wrong.push(`${key} has ${id} of ${String(owners.get(id))}`)
  }
  return wrong
}

export function differencesOfClient(party: Party, truth: ReadonlyMap<string, Party>): string[] {
  const { known, id: self } = party.peer
  if (known === undefined) return []
  return [
    ...Array.from(truth)
      .filter(([id]) => id !== self && !known.has(id))
      .map(([, { name }]) => `${party.name} does not know ${name}`),
    ...[...known].filter((id) => !truth.has(id)).map((id) => `${party.name} knows ${id}, who is not there`)
  ]
}

/** A node's id ends in something new at each start. */
function nameOf(node: string): string {
  return node.slice(0, node.lastIndexOf('-'))
}

/**
 * What a node has counted or logged and should not have.
 *
 * @param expected - reasons that what was done explains
 */
export function faultsOf(life: NodeLife, expected: readonly string[] = []): string[] {
  const counted = Object.entries(NEVER).flatMap(([name, reasons]) =>
    reasons
      .filter((reason) => !expected.includes(reason))
      .map((reason) => [reason, life.metrics.get(`${name}{reason="${reason}"}`) ?? 0] as const)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${life.name} counted ${count} ${name} for ${reason}`)
  )
  const logged = life.process.log.filter((line) => !/^\{"level":[1-4]0,/.test(line))
  return [...counted, ...logged.map((line) => `${life.name} logged ${line}`)]
}

/** Whatever of the star is left in Redis when all nodes have gone. */
export async function leftInRedis(redis: RedisServer): Promise<string[]> {
  const wrong: string[] = []
  for (const key of (await redis.cli('KEYS', '*')).split('\n')) {
    if (/:(reg|nodes|dead|turns)$|:own:/.test(key)) wrong.push(`${key} is left in Redis`)
  }
  return wrong
}
