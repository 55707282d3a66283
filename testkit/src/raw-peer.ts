import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { RawConnection } from './raw-connection.js'
import { RawSession, type SessionOptions } from './raw-session.js'

export interface RawOptions extends SessionOptions {
  /** Argument of an EIO4 peer's CONNECT; null sends no CONNECT at all. Default none: a bare `40`. */
  auth?: Record<string, unknown> | null
}

/** The key pair of a peer, as a join proves it. */
export interface Signer {
  /** The peer id, in base58. */
  readonly id: string
  /** The public key's protobuf in hex. */
  readonly publicKeyHex: string
  /** Signs the nonce's bytes as they are; hex. */
  sign(nonce: string): string | Promise<string>
}

/** A peer of the star: it joins, dials and is dialled. */
export class RawPeer extends RawSession {
  /** Addresses this peer joined with, oldest first. */
  readonly addresses: string[] = []
  /** The server's answer to CONNECT: `40`, and what it says of itself. */
  welcome = ''

  /** Waits until the server has dealt with all that was sent before. */
  async settle(): Promise<void> {
    await this.request('ss-dial', '/nowhere', '/nowhere', randomUUID())
  }

  /** Joins as the signer under the prefix, signing if asked to; the peers it was told of. Throws the error string. */
  async join(signer: Signer, prefix: string): Promise<string[]> {
    const address = `${prefix}/ipfs/${signer.id}`
    const [error, nonce, peers] = await this.request('ss-join', address, signer.publicKeyHex)
    if (error !== null) throw new Error(String(error))
    if (typeof nonce === 'string') return await this.finishJoin(address, await signer.sign(nonce))
    this.addresses.push(address)
    return peers as string[]
  }

  /** The first round of a join: the nonce to sign. */
  async challenge(signer: Signer, address: string): Promise<string> {
    const [error, nonce] = await this.request('ss-join', address, signer.publicKeyHex)
    if (error !== null) throw new Error(String(error))
    if (typeof nonce !== 'string') throw new Error(`no nonce but ${JSON.stringify(nonce)}`)
    return nonce
  }

  /** The last round of a join, or the only one where the challenge is off; the peers it was told of. */
  async finishJoin(address: string, signature = ''): Promise<string[]> {
    const [error, , peers] = await this.request('ss-join', address, signature)
    if (error !== null) throw new Error(String(error))
    this.addresses.push(address)
    return peers as string[]
  }

  /** The address joined first. */
  get address(): string {
    const [address] = this.addresses
    if (address === undefined) throw new Error('not joined')
    return address
  }

  /** Dials, and waits for the answer. Throws the server's error string. */
  async dial(to: string, id: string = randomUUID(), from: string = this.address): Promise<RawConnection> {
    const connection = new RawConnection(this, id, 'dialer')
    const [error] = await this.request('ss-dial', from, to, id)
    if (error !== undefined && error !== null) throw new Error(String(error))
    return connection
  }

  /** Waits for a dial, and answers it with these arguments; none accepts. */
  async answer(...reply: unknown[]): Promise<RawConnection> {
    const incoming = await this.takeText(/^42\d+\["ss-incomming"/)
    const at = incoming.indexOf('[')
    const [, id] = JSON.parse(incoming.slice(at)) as [string, string]
    const connection = new RawConnection(this, id, 'listener')
    if (reply.length === 0) connection.accept()
    this.send(`43${incoming.slice(2, at)}${JSON.stringify(reply)}`)
    return connection
  }

  /** Says goodbye as a client does, and closes. */
  async leave(): Promise<void> {
    this.send('41')
    await Promise.race([this.wire.closed, delay(50)])
    this.wire.close()
    await this.wire.closed
  }
}

/** Connects, and waits until the server has accepted the namespace. */
export async function connectRaw(url: string, options: RawOptions = {}): Promise<RawPeer> {
  const peer = new RawPeer(url, options)
  await peer.takeText(/^0\{/)
  if (peer.revision === 4) {
    if (options.auth === null) return peer
    peer.send(`40${options.auth === undefined ? '' : JSON.stringify(options.auth)}`)
  }
  peer.welcome = await peer.takeText(/^40/)
  return peer
}

/** An open dial between two joined peers: the dialer's end, what it was told when it was let send, and the listener's. */
export async function openDial(
  dialer: RawPeer,
  listener: RawPeer,
  id?: string
): Promise<{ near: RawConnection; far: RawConnection; told: unknown[] }> {
  const [near, far] = await Promise.all([dialer.dial(listener.address, id), listener.answer()])
  near.accept()
  const [told] = await Promise.all([near.accepted(), far.accepted()])
  return { near, far, told }
}
