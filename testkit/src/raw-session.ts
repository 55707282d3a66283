import type { Socket } from 'node:net'
import { PollingWire } from './polling-wire.js'
import { WebSocketWire } from './web-socket-wire.js'
import type { Closed, Packet, Wire, WireOptions } from './wire.js'

export interface SessionOptions extends WireOptions {
  /** Default `'websocket'`; `'upgrading'` polls until it is told to {@link RawSession.upgrade}. */
  transport?: 'websocket' | 'polling' | 'upgrading'
  /** Milliseconds between two pings of an EIO3 peer. Default: none are sent. */
  heartbeat?: number
  /** Milliseconds that the peer waits for what it is told to expect. Default 60,000. */
  patience?: number
  /** Keep each packet in {@link RawSession.frames}. Default true. */
  isRecorded?: boolean
}

const PATIENCE = 60_000

const UPGRADE = { ping: '2probe', pong: '3probe', upgrade: '5', noop: '6' }

const binaryHeader = /^451-\["socket\.io-pull-stream\.queue\.(.*)",\{"_placeholder":true,"num":0\}\]$/s

/** Where the bytes that follow a header go. */
interface Chunks {
  readonly chunks: Buffer[]
}

/** A session of engine.io and socket.io that sends and records exact packets, over either revision and either transport. */
export class RawSession {
  /** Everything the server sent, as it came. */
  readonly frames: Packet[] = []
  /** What of it nobody has taken yet. Chunks of connections and engine.io's own packets are not in here. */
  readonly unread: Packet[] = []
  /** Addresses announced to this peer, oldest first. */
  readonly announced: string[] = []
  readonly revision: 3 | 4
  readonly #url: string
  readonly #options: SessionOptions
  readonly #connections = new Map<string, Chunks>()
  readonly #waiting = new Set<() => void>()
  #wire: Wire
  /** What is sent while the transports change hands. */
  #held: Packet[] | undefined
  #isMute = false
  #attachmentFor: Chunks | undefined
  #lastAck = 0
  #closed: Closed | undefined

  constructor(url: string, options: SessionOptions = {}) {
    this.#url = url
    this.#options = options
    this.revision = options.eio === '4' ? 4 : 3
    const receive = (packet: Packet): void => this.#receive(packet)
    const isPolling = options.transport === 'polling' || options.transport === 'upgrading'
    this.#wire = isPolling ? new PollingWire(url, options, receive) : new WebSocketWire(url, options, receive)
    this.#watch(this.#wire)
    const { heartbeat } = options
    if (heartbeat === undefined) return
    const timer = setInterval(() => this.send('2'), heartbeat).unref()
    void this.#wire.closed.then(() => clearInterval(timer))
  }

  /** What carries its packets now. */
  get wire(): Wire {
    return this.#wire
  }

  /** Waits for the end of the connection: how it came. */
  get closed(): Promise<Closed> {
    return this.until('the end of the connection', () => this.#closed)
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  get isOverWebSocket(): boolean {
    return this.#wire instanceof WebSocketWire
  }

  /** The WebSocket below, for what only it can do. */
  get webSocket(): WebSocketWire {
    if (!(this.#wire instanceof WebSocketWire)) throw new Error('this peer is polling')
    return this.#wire
  }

  /** The polling below, for bodies and requests of any kind. */
  get polling(): PollingWire {
    if (!(this.#wire instanceof PollingWire)) throw new Error('this peer has a WebSocket')
    return this.#wire
  }

  /** The TCP socket below the WebSocket. */
  get tcp(): Socket {
    return this.webSocket.tcp
  }

  /** Leaves polling for a WebSocket, in the middle of whatever is under way, as engine.io's own clients do. */
  async upgrade(): Promise<void> {
    const { polling } = this
    let probed = (): void => {}
    const pong = new Promise<void>((resolve) => (probed = resolve))
    const webSocket = new WebSocketWire(this.#url, { ...this.#options, sid: polling.sid }, (packet) => {
      if (packet === UPGRADE.pong) probed()
      else this.#receive(packet)
    })
    await webSocket.opened
    webSocket.send(UPGRADE.ping)
    await pong
    const held: Packet[] = []
    this.#held = held
    await polling.finish()
    this.#held = undefined
    this.#wire = webSocket
    this.#watch(webSocket)
    webSocket.send(UPGRADE.upgrade, ...held)
  }

  /** From now on it answers no ping of engine.io. */
  mute(): void {
    this.#isMute = true
  }

  /** Sends packets as they are, together. */
  send(...packets: Packet[]): void {
    if (this.#held === undefined) this.#wire.send(...packets)
    else this.#held.push(...packets)
  }

  /** The packet that carries bytes, in this peer's revision. */
  binary(bytes: Uint8Array): Packet {
    if (this.#options.base64 === true) {
      return `b${this.revision === 3 ? '4' : ''}${Buffer.from(bytes).toString('base64')}`
    }
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
    const answer = await this.takeText((text) => text.startsWith(`43${id}[`))
    return JSON.parse(answer.slice(answer.indexOf('['))) as unknown[]
  }

  /** Waits until the probe finds something; it is asked again after each frame. */
  async until<T>(what: string, probe: () => T | undefined): Promise<T> {
    const found = probe()
    if (found !== undefined) return found
    const { patience = PATIENCE } = this.#options
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
      const timer =
        patience === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => fail(`${patience} ms passed`), patience)
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

  /** From now on chunks of that stream go to the connection. */
  route(name: string, chunks: Chunks): void {
    this.#connections.set(name, chunks)
  }

  /** Drops what nobody has taken, and the connections: for a peer that dials for long. */
  forget(): void {
    this.unread.length = 0
    this.announced.length = 0
    this.#connections.clear()
  }

  #watch(wire: Wire): void {
    void wire.closed.then((closed) => {
      if (wire !== this.#wire) return
      this.#closed = closed
      this.#wake()
    })
  }

  #receive(packet: Packet): void {
    if (packet === UPGRADE.noop) return
    if (this.#options.isRecorded !== false) this.frames.push(packet)
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

function brief(packet: Packet): string {
  const text = typeof packet === 'string' ? packet : `<${packet.toString('hex')}>`
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
