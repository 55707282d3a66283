import { randomUUID } from 'node:crypto'
import { headerOf, type Pair } from '../../wire/pair.js'
import { StarPeer } from '../../wire/star-peer.js'
import { ed25519Identities } from './identity.js'

const EIO3_LEAD = Buffer.of(4)

/** Two peers join, with their signatures if they have to; one dials the other, and a stream half is accepted. */
export async function openSignedPair(port: number, challenge: boolean): Promise<Pair> {
  const [dialer, listener] = await Promise.all([StarPeer.connect(port), StarPeer.connect(port)])
  const from = await join(dialer, port, challenge)
  const to = await join(listener, port, challenge)
  const id = randomUUID()
  const stream = `${id}.dialer`
  listener.answerDials(() => {
    listener.accept(stream)
    return []
  })
  const accepted = new Promise((resolve) => dialer.onStream('accept', stream, resolve))
  const [error] = await dialer.request('ss-dial', from, to, id)
  if (error !== undefined && error !== null) throw new Error(`a dial failed: ${String(error)}`)
  await accepted
  return {
    near: dialer.socket,
    far: listener.socket,
    header: headerOf(stream),
    lead: EIO3_LEAD
  }
}

/** @returns the address it joined with */
async function join(peer: StarPeer, port: number, challenge: boolean): Promise<string> {
  const [identity] = ed25519Identities(1)
  if (identity === undefined) throw new Error('there is no key')
  const address = `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star/ipfs/${identity.peerId}`
  const [error, nonce] = await peer.request('ss-join', address, challenge ? identity.publicKey : '')
  const [refusal] = challenge ? await peer.request('ss-join', address, identity.sign(String(nonce))) : [error]
  if (refusal !== null && refusal !== undefined) throw new Error(`the server refused a join: ${String(refusal)}`)
  return address
}
