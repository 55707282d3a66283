import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installApart, nodeOf } from '@websocket-star/testkit/processes'
import type { Libp2pRelay } from './libp2p.js'

/** Packages of js-libp2p, as far as they are used here. They are installed apart, for they want a newer Node than the server. */
const LIBP2P_PACKAGES = [
  'libp2p@3.3.11',
  '@libp2p/circuit-relay-v2@4.2.13',
  '@libp2p/identify@4.1.14',
  '@libp2p/noise@17.0.3',
  '@libp2p/websockets@10.1.21',
  '@libp2p/yamux@8.0.3',
  '@multiformats/multiaddr@13.0.3'
]

/** The Node that js-libp2p 3 needs at least. */
const LIBP2P_NODE = 22

/** Returns the `node_modules` of js-libp2p, which is installed first if it has to be. */
export function libp2pModules(): Promise<string> {
  return installApart('libp2p', LIBP2P_PACKAGES)
}

/** Returns the Node that runs this if it is new enough, else one from npm. */
export async function libp2pNode(): Promise<string> {
  const isEnough = Number.parseInt(process.versions.node, 10) >= LIBP2P_NODE
  return isEnough ? process.execPath : await nodeOf(LIBP2P_NODE)
}

/** @param modules - the `node_modules` they were installed in */
export async function importLibp2p(modules: string): Promise<Libp2pRelay> {
  const names = LIBP2P_PACKAGES.map((entry) => entry.slice(0, entry.lastIndexOf('@')))
  const all = await Promise.all(
    names.map((name) => import(pathToFileURL(join(modules, name, 'dist', 'src', 'index.js')).href) as Promise<object>)
  )
  return Object.assign({}, ...all) as Libp2pRelay // together they export these, each under a name of its own
}
