/** A node of js-libp2p, in a process of its own, that sends back what it gets, and dials others that do. */
import { importLibp2p } from '../peers/libp2p-modules.js'
import { nodesOf, type Way } from '../peers/libp2p-node.js'
import { RELAYED } from '../peers/libp2p-stream.js'
import type { PeerPlace } from '../peers/peer.js'
import { serve, setupOf } from '../processes/serve.js'

/** Where a node is to be, and how others reach it. */
export interface NodeSetup extends Omit<PeerPlace, 'size'> {
  way: Way
}

const PROTOCOL = '/websocket-star-bench/echo/1.0.0'

const { way, server, modules } = setupOf<NodeSetup>()
const { create, addressOf, multiaddr } = await nodesOf(way, await importLibp2p(modules), server)
const node = await create()
await node.handle(
  PROTOCOL,
  (stream) => stream.addEventListener('message', ({ data }) => void stream.send(data.subarray())),
  RELAYED
)

/** Of a node behind a relay, that to the relay. */
const connections = node.getConnections().length

const commands = {
  /** Returns what others dial. */
  address: () => addressOf(node),
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
  }
}

export type EchoProcess = typeof commands

serve(commands)
