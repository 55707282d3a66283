/** A node of js-libp2p, in a process of its own. It notes whom it discovers, sends back what it gets, and dials others. */
import type { Node, Stream } from '../../contenders/libraries/libp2p.js'
import { importLibp2p } from '../../contenders/libraries/libp2p-modules.js'
import { nodesOf, type Way } from '../../contenders/libraries/libp2p-node.js'
import { RELAYED } from '../../contenders/libraries/libp2p-stream.js'
import type { PeerPlace } from '../../contenders/libraries/peer.js'
import { Condition, serve, setupOf, sharedNow } from '../../processes/serve.js'

/** Where a node is to be, and how others reach it. */
export interface NodeSetup extends Omit<PeerPlace, 'size'> {
  way: Way
}

const PROTOCOL = '/websocket-star-bench/echo/1.0.0'

const { way, server, modules } = setupOf<NodeSetup>()
const { create, addressOf, multiaddr } = await nodesOf(way, await importLibp2p(modules), server)
const discovered = new Map<string, number>()
const discovery = new Condition()
let node: Node
/** Of a node behind a relay, that to the relay. */
let connections = 0

/** Times are by the clock that all processes share. */
const commands = {
  /** Makes the node. Returns when that began, who it is, and what others dial. */
  appear: async () => {
    const at = sharedNow()
    node = await create()
    node.addEventListener('peer:discovery', ({ detail }) => {
      discovered.set(detail.id.toString(), sharedNow())
      discovery.changed()
    })
    const echo = (stream: Stream) => stream.addEventListener('message', ({ data }) => void stream.send(data.subarray()))
    await node.handle(PROTOCOL, echo, RELAYED)
    connections = node.getConnections().length
    return { at, peerId: node.peerId.toString(), address: addressOf(node) }
  },
  /** Returns when the node discovered that peer, once it has. */
  discover: (peerId: string) => discovery.until(() => discovered.get(peerId)),
  /** Dials, waits for one byte to come back, and closes the connection. Returns milliseconds until the byte was back. */
  dial: async (to: string) => {
    const address = multiaddr(to)
    if (node.getConnections().length !== connections) throw new Error('the connection of the last dial is still open')
    const began = performance.now()
    const stream = await node.dialProtocol(address, PROTOCOL, RELAYED)
    await new Promise<void>((resolve, reject) => {
      stream.addEventListener('message', () => resolve())
      stream.addEventListener('close', () => reject(new Error('the stream was closed before its byte came back')))
      stream.send(new Uint8Array(1))
    })
    const milliseconds = performance.now() - began
    await node.hangUp(address)
    return milliseconds
  },
  leave: async () => {
    await node.stop()
  }
}

export type NodeProcess = typeof commands

serve(commands)
