import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { RawConnection } from './raw-connection.js'
import type { Identity } from './raw-identity.js'
import { UpgradingWire } from './raw-upgrade.js'
import { PollingWire, WebSocketWire, type Closed, type Packet, type Wire, type WireOptions } from './raw-wire.js'

export interface RawOptions extends WireOptions {
  /** Default `'websocket'`; `'upgrading'` polls until it is told to upgrade. */
  transport?: 'websocket' | 'polling' | 'upgrading'
  /** Argument of an EIO4 peer's CONNECT; null sends no CONNECT at all. Default none: a bare `40`. */
  auth?: Record<string, unknown> | null
}

/** How long a peer waits for what it was told to expect, in milliseconds. */
const patience = 20_000

const WIRES = { websocket: WebSocketWire, polling: PollingWire, upgrading: UpgradingWire }

const binaryHeader = /^451-\["socket\.io-pull-stream\.queue\.(.*)",\{"_placeholder":true,"num":0\}\]$/s

/** A peer of the star that sends and records exact frames, over either revision and either transport. */
export class RawPeer {
  readonly wire: Wire
  /** Everything the server sent, as it came. */
  readonly frames: Packet[] = []
  /** What of it nobody has taken yet. Chunks of connections and engine.io's own packets are not in here. */
  readonly unread: Packet[] = []
  /** Addresses announced to this peer, oldest first. */
  readonly announced: string[] = []
  /** Addresses this peer joined with, oldest first. */
  readonly addresses: string[] = []
  readonly revision: 3 | 4
  readonly #base64: boolean
  readonly #connections = new Map<string, RawConnection>()
  readonly #waiting = new Set<() => void>()
  #isMute = false
  #attachmentFor: RawConnection | undefined
  #lastAck = 0
  #closed: Closed | undefined

  constructor(url: string, options: RawOptions = {}) {
    this.revision = options.eio === '4' ? 4 : 3
    this.#base64 = options.base64 ?? false
    const receive = (packet: Packet): void => this.#receive(packet)
    this.wire = new WIRES[options.transport ?? 'websocket'](url, options, receive)
    void this.wire.closed.then((closed) => {
      this.#closed = closed
      this.#wake()
    })
  }

  /** Waits for the end of the connection: how it came. */
  get closed(): Promise<Closed> {
    return this.until('the end of the connection', () => this.#closed)
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** The WebSocket below, for what only it can do. */
  get webSocket(): WebSocketWire {
    if (!(this.wire instanceof WebSocketWire)) throw new Error('this peer is polling')
    return this.wire
  }

  /** The polling below, for bodies and requests of any kind. */
  get polling(): PollingWire {
    if (!(this.wire instanceof PollingWire)) throw new Error('this peer has a WebSocket')
    return this.wire
  }

  /** Leaves polling for a WebSocket, in the middle of whatever is under way. */
  async upgrade(): Promise<void> {
    if (!(this.wire instanceof UpgradingWire)) throw new Error('this peer does not upgrade')
    await this.wire.upgrade()
  }

  /** Whether it has a WebSocket, from the start or by now. */
  get isOverWebSocket(): boolean {
    return this.wire instanceof UpgradingWire ? this.wire.isUpgraded : this.wire instanceof WebSocketWire
  }

  /** The TCP socket below, once there is one for good. */
  get tcp(): Socket {
    if (this.wire instanceof UpgradingWire) return this.wire.tcp
    return this.webSocket.tcp
  }

  /** From now on it answers no ping of engine.io. */
  mute(): void {
    this.#isMute = true
  }

  /** Sends packets as they are, together. */
  send(...packets: Packet[]): void {
    this.wire.send(...packets)
  }

  /** The packet that carries bytes, in this peer's revision. */
  binary(bytes: Uint8Array): Packet {
    if (this.#base64) return `b${this.revision === 3 ? '4' : ''}${Buffer.from(bytes).toString('base64')}`
    return this.revision === 3 ? Buffer.concat([Buffer.of(4), bytes]) : Buffer.from(bytes)
  }

  /** `42[event, …]` */
  emit(event: string, ...args: unknown[]): void {
    this.send(`42${JSON.stringify([event, ...args])}`)
  }

  /** `42<n>[event, …]`; the arguments of the answer `43<n>[…]`. */
  async request(event: string, ...args: unknown[]): Promise<unknown[]> {
    this.#lastAck += 1
    const id = this.#lastAck
    this.send(`42${id}${JSON.stringify([event, ...args])}`)
    const answer = await this.takeText((text) => new RegExp(`^43${id}\\[`).test(text))
    return JSON.parse(answer.slice(answer.indexOf('['))) as unknown[]
  }

  /** Waits until the probe finds something; it is asked again after each frame. */
  async until<T>(what: string, probe: () => T | undefined): Promise<T> {
    const found = probe()
    if (found !== undefined) return found
    return await new Promise<T>((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      const fail = (why: string): void => {
        finish()
        reject(new Error(`${why} while waiting for ${what}; unread: ${this.unread.map(brief).join(' ') || 'nothing'}`))
      }
      const look = (): void => {
        const found = probe()
        if (found !== undefined) {
          finish()
          resolve(found)
        } else if (this.#closed !== undefined) {
          fail(`closed with ${this.#closed.code}`)
        }
      }
      const timer = setTimeout(() => fail(`${patience} ms passed`), patience)
      this.#waiting.add(look)
      if (this.#closed !== undefined) look()
    })
  }

  /** The next frame, whatever it is. */
  async next(): Promise<Packet> {
    return await this.until('a frame', () => this.unread.shift())
  }

  /** The first unread text frame that matches, now or later; the others stay. */
  async takeText(match: RegExp | ((text: string) => boolean)): Promise<string> {
    const matches = match instanceof RegExp ? (text: string): boolean => match.test(text) : match
    return await this.until(String(match), () => {
      const index = this.unread.findIndex((packet) => typeof packet === 'string' && matches(packet))
      return index === -1 ? undefined : String(this.unread.splice(index, 1)[0])
    })
  }

  /** The arguments of the first unread event of that name, now or later. */
  async takeEvent(event: string): Promise<unknown[]> {
    const head = JSON.stringify([event]).slice(0, -1)
    const text = await this.takeText((text) => text.startsWith('42') && text.slice(text.indexOf('[')).startsWith(head))
    return (JSON.parse(text.slice(text.indexOf('['))) as unknown[]).slice(1)
  }

  /** Waits until the server has dealt with all that was sent before. */
  async settle(): Promise<void> {
    await this.request('ss-dial', '/nowhere', '/nowhere', randomUUID())
  }

  /** Joins as the identity under the prefix, signing if asked to; the peers it was told of. Throws the error string. */
  async join(identity: Identity, prefix: string): Promise<string[]> {
    const address = `${prefix}/ipfs/${identity.id}`
    const [error, nonce, peers] = await this.request('ss-join', address, identity.publicKeyHex)
    if (error !== null) throw new Error(String(error))
    if (typeof nonce === 'string') return await this.finishJoin(address, await identity.sign(nonce))
    this.addresses.push(address)
    return peers as string[]
  }

  /** The first round of a join: the nonce to sign. */
  async challenge(identity: Identity, address: string): Promise<string> {
    const [error, nonce] = await this.request('ss-join', address, identity.publicKeyHex)
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

  /** From now on chunks of that stream go to the connection. */
  route(name: string, connection: RawConnection): void {
    this.#connections.set(name, connection)
  }

  /** Says goodbye as a client does, and closes. */
  async leave(): Promise<void> {
    this.send('41')
    await Promise.race([this.wire.closed, delay(50)])
    this.wire.close()
    await this.wire.closed
  }

  #receive(packet: Packet): void {
    this.frames.push(packet)
    this.#sort(packet)
    this.#wake()
  }

  #sort(packet: Packet): void {
    if (packet === '2' && this.revision === 4) {
      if (!this.#isMute) this.send('3')
      return
    }
    const connection = this.#attachmentFor
    if (connection !== undefined) {
      this.#attachmentFor = undefined
      connection.chunks.push(this.#bytes(packet))
      return
    }
    if (typeof packet === 'string') {
      const stream = binaryHeader.exec(packet)?.[1]
      this.#attachmentFor = stream === undefined ? undefined : this.#connections.get(stream)
      if (this.#attachmentFor !== undefined) return
      if (packet.startsWith('42["ws-peer",')) this.announced.push(String(JSON.parse(packet.slice(2))[1]))
    }
    this.unread.push(packet)
  }

  #bytes(packet: Packet): Buffer {
    if (typeof packet === 'string') return Buffer.from(packet.slice(this.revision === 3 ? 2 : 1), 'base64')
    return this.revision === 3 ? packet.subarray(1) : packet
  }

  #wake(): void {
    for (const look of this.#waiting) look()
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
  await peer.takeText(/^40/)
  return peer
}

function brief(packet: Packet): string {
  const text = typeof packet === 'string' ? packet : `<${packet.toString('hex')}>`
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
