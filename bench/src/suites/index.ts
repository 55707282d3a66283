import { UsageError } from '../harness/options.js'
import type { Suite } from '../harness/suite.js'

/** Loaded one by one: a trial has no code in its process but what it measures with. */
const SUITES: Readonly<Record<string, () => Promise<Suite>>> = {
  relay: async () => (await import('./relay.js')).relay,
  client: async () => (await import('./client.js')).client,
  libp2p: async () => (await import('./libp2p.js')).libp2p,
  pages: async () => (await import('./pages.js')).pages,
  peers: async () => (await import('./peers.js')).peers,
  cluster: async () => (await import('./cluster.js')).cluster
}

/** @throws {UsageError} if there is none of that name */
export async function loadSuite(name: string): Promise<Suite> {
  const load = SUITES[name]
  if (load === undefined) throw new UsageError(`There is no benchmark ${name}`)
  return await load()
}

export function loadSuites(): Promise<Suite[]> {
  return Promise.all(Object.keys(SUITES).map(loadSuite))
}
