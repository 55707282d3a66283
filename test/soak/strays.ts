import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Random, RawPeer, WebSocketWire } from '@websocket-star/testkit'
import { createIdentity } from '../support/raw-identity.js'
import type { StarAddress } from '../support/star.js'

/** Each begins something that it does not finish. */
const STRAYS = {
  'stray socket': openSocket,
  'stray handshake': shakeHands,
  'stray join': askToJoin,
  'stray upgrade': probe
}

/** Lets a stranger come and vanish. @returns what it did */
export async function stray(star: StarAddress, random: Random): Promise<string> {
  const [name, run] = random.pick(Object.entries(STRAYS))
  await run(star, random)
  return name
}

async function openSocket({ port }: StarAddress, random: Random): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n')
  await delay(random.below(500))
  socket.destroy()
  await once(socket, 'close')
}

async function shakeHands({ url }: StarAddress, random: Random): Promise<void> {
  const peer = new RawPeer(url, { transport: random.pick(['websocket', 'polling'] as const), eio: '4' })
  await peer.next()
  peer.wire.close()
}

async function askToJoin({ url, multiaddr }: StarAddress, random: Random): Promise<void> {
  const peer = new RawPeer(url, { transport: random.pick(['websocket', 'polling'] as const) })
  const identity = await createIdentity()
  await peer.takeText(/^40/)
  await peer.challenge(identity, `${multiaddr}/ipfs/${identity.id}`)
  peer.wire.close()
}

async function probe({ url }: StarAddress): Promise<void> {
  const peer = new RawPeer(url, { transport: 'polling', eio: '4' })
  await peer.next()
  const webSocket = new WebSocketWire(url, { eio: '4', sid: peer.polling.sid }, () => {})
  await webSocket.opened
  webSocket.send('2probe')
  peer.wire.close()
  webSocket.close()
}
