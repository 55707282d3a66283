/** A node of js-libp2p, in a process of its own, that notes whom it discovers; when it has left, the next one comes. */
import type { Node } from '../peers/libp2p.js'
import { importLibp2p } from '../peers/libp2p-modules.js'
import { nodesOf } from '../peers/libp2p-node.js'
import { Condition, serve, setupOf, sharedNow } from '../processes/serve.js'
import type { NodeSetup } from './echo-process.js'

const { way, server, modules } = setupOf<NodeSetup>()
const { create } = await nodesOf(way, await importLibp2p(modules), server)
const discovered = new Map<string, number>()
const discovery = new Condition()
let node: Node | undefined

/** Times are by the clock that all processes share. */
const commands = {
  /** Makes the node. Returns when that began, and who it is. */
  appear: async () => {
    const at = sharedNow()
    node = await create()
    node.addEventListener('peer:discovery', ({ detail }) => {
      discovered.set(detail.id.toString(), sharedNow())
      discovery.changed()
    })
    return { at, peerId: node.peerId.toString() }
  },
  /** Returns when the node discovered that peer, once it has. */
  discover: (peerId: string) => discovery.until(() => discovered.get(peerId)),
  leave: async () => {
    await node?.stop()
  }
}

export type DiscoveryProcess = typeof commands

serve(commands)
