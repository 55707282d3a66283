/** A node of js-libp2p, in a process of its own, that sends back what it gets, and dials others that do. */
import { serve, setupOf } from './channel.js'
import { nodesOf, type NodePlace, type Way } from './libp2p-node.js'
import { RELAYED } from './libp2p-stream.js'

export interface EchoSetup extends NodePlace {
  way: Way
}

export interface EchoReady {
  address: string
}

/** Dials, waits for one byte to come back, and closes the connection. */
export type EchoCommand = { dial: string }

export interface EchoReport {
  /** Until the byte was back. */
  milliseconds: number
}

const PROTOCOL = '/websocket-star-bench/echo/1.0.0'

const { way, ...place } = setupOf<EchoSetup>()
const { create, addressOf, multiaddr } = await nodesOf(way, place)
const node = await create()
await node.handle(
  PROTOCOL,
  (stream) => stream.addEventListener('message', ({ data }) => void stream.send(data.subarray())),
  RELAYED
)

/** Of a node behind a relay, that to the relay. */
const connections = node.getConnections().length

serve<EchoCommand, EchoReport>({ address: addressOf(node) } satisfies EchoReady, async ({ dial }) => {
  const address = multiaddr(dial)
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
  return { milliseconds }
})
