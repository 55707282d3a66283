import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import WebSocket from 'ws'

/** One engine.io packet as it travels: text, or the bytes of a binary frame (EIO3: with the leading 04). */
export type Packet = string | Buffer

export interface Closed {
  code: number
  reason: string
}

export interface WireOptions {
  /** The `EIO` of the query; null leaves it out. Default `'3'`. */
  eio?: '2' | '3' | '4' | null
  /** Ask for `b64=1`: binary as text, both ways. */
  base64?: boolean
  /** Sent as the Origin header. */
  origin?: string
  /** Sent as the X-Forwarded-For header. */
  forwardedFor?: string
  /** Answer WebSocket pings (opcode 9). Default true. */
  pong?: boolean
  /** The certificate to trust, as PEM, where the URL is `https:`. */
  ca?: string
  /** The session to go on with, for an upgrade. */
  sid?: string
}

/** What carries packets: one of engine.io's two transports. */
export interface Wire {
  /** In one POST, or in one write to the TCP socket. */
  send(...packets: Packet[]): void
  close(): void
  readonly closed: Promise<Closed>
}

export type Receive = (packet: Packet) => void

function address(url: string, transport: string, options: WireOptions): URL {
  const target = new URL('/socket.io/', url)
  if (options.eio !== null) target.searchParams.set('EIO', options.eio ?? '3')
  target.searchParams.set('transport', transport)
  if (options.sid !== undefined) target.searchParams.set('sid', options.sid)
  if (options.base64 === true) target.searchParams.set('b64', '1')
  return target
}

function headersOf({ origin, forwardedFor }: WireOptions): Record<string, string> {
  return { ...(origin && { origin }), ...(forwardedFor && { 'x-forwarded-for': forwardedFor }) }
}

export class WebSocketWire implements Wire {
  readonly socket: WebSocket
  readonly closed: Promise<Closed>
  #tcp: Socket | undefined

  constructor(url: string, options: WireOptions, receive: Receive) {
    const target = address(url, 'websocket', options)
    const isSecure = target.protocol === 'https:'
    target.protocol = isSecure ? 'wss:' : 'ws:'
    this.socket = new WebSocket(target, {
      perMessageDeflate: false,
      autoPong: options.pong ?? true,
      headers: headersOf(options),
      createConnection: () => {
        const { hostname: host } = target
        const port = Number(target.port)
        return (this.#tcp = isSecure ? connectTls({ host, port, ca: options.ca }) : connect({ host, port }))
      }
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    // A refusal or a reset is told by `closed`.
    this.socket.on('error', () => {})
    this.socket.on('message', (data: Buffer, isBinary) => receive(isBinary ? data : data.toString()))
  }

  /** The socket below, to write what is no WebSocket frame, or to stop reading. */
  get tcp(): Socket {
    if (this.#tcp === undefined) throw new Error('not connected yet')
    return this.#tcp
  }

  send(...packets: Packet[]): void {
    this.tcp.cork()
    for (const packet of packets) this.socket.send(packet)
    this.tcp.uncork()
  }

  /** One message in continuation frames of at most `size` bytes, as Chromium sends large ones. */
  sendFragmented(packet: Packet, size: number): void {
    const bytes = Buffer.from(packet)
    for (let at = 0; at < bytes.length; at += size) {
      this.socket.send(bytes.subarray(at, at + size), {
        binary: typeof packet !== 'string',
        fin: at + size >= bytes.length
      })
    }
  }

  close(): void {
    this.socket.terminate()
  }
}

export class PollingWire implements Wire {
  readonly closed: Promise<Closed>
  /** The bodies of the answers, as they came. */
  readonly payloads: Packet[] = []
  /** The headers of the last answer. */
  headers = new Headers()
  readonly #url: URL
  readonly #options: WireOptions
  readonly #receive: Receive
  readonly #underWay = new Set<AbortController>()
  #posts: Promise<unknown> = Promise.resolve()
  #finish: (() => void) | undefined
  #close: (closed: Closed) => void = () => {}

  constructor(url: string, options: WireOptions, receive: Receive) {
    this.#url = address(url, 'polling', options)
    this.#options = options
    this.#receive = receive
    this.closed = new Promise((resolve) => (this.#close = resolve))
    void this.#poll()
  }

  send(...packets: Packet[]): void {
    // One POST at a time: engine.io takes two at once for an attack.
    this.#posts = this.#posts.then(() => this.post(this.#encode(packets)))
  }

  /** Posts any body; the status of the answer, 0 when there was none. */
  async post(body: string): Promise<number> {
    try {
      return (await this.#fetch({ method: 'POST', body, headers: { 'content-type': 'text/plain;charset=UTF-8' } }))
        .status
    } catch {
      return 0
    }
  }

  /** Stops: what was sent has been posted, and the poll under way has been answered. */
  async finish(): Promise<void> {
    await this.#posts
    await new Promise<void>((resolve) => (this.#finish = resolve))
  }

  get sid(): string {
    return this.#url.searchParams.get('sid') ?? ''
  }

  /** One more GET, whatever others are under way; its status, 0 when there was no answer. */
  async poll(): Promise<number> {
    try {
      return (await this.#fetch({})).status
    } catch {
      return 0
    }
  }

  close(): void {
    for (const request of this.#underWay) request.abort()
  }

  async #fetch(init: {
    method?: string
    body?: string
    headers?: Record<string, string>
  }): Promise<{ status: number; headers: Headers; body: Buffer }> {
    const headers = { ...init.headers, ...headersOf(this.#options) }
    const request = new AbortController()
    this.#underWay.add(request)
    try {
      const response = await fetch(this.#url, { ...init, headers, signal: request.signal })
      return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
    } finally {
      this.#underWay.delete(request)
    }
  }

  async #poll(): Promise<void> {
    try {
      for (;;) {
        // Each poll answers the one before it.
        const { status, headers, body } = await this.#fetch({})
        this.headers = headers
        if (status !== 200) return this.#close({ code: status, reason: body.toString() })
        const payload = headers.get('content-type') === 'application/octet-stream' ? body : body.toString()
        this.payloads.push(payload)
        for (const packet of this.#decode(payload)) {
          if (packet === '1') return this.#close({ code: 200, reason: 'close packet' })
          if (typeof packet === 'string' && packet.startsWith('0')) this.#url.searchParams.set('sid', sidOf(packet))
          this.#receive(packet)
        }
        if (!this.#url.searchParams.has('sid')) throw new Error('the first payload has no open packet')
        if (this.#finish !== undefined) return this.#finish()
      }
    } catch (error) {
      this.#close({ code: 0, reason: String(error) })
    }
  }

  #encode(packets: Packet[]): string {
    if (this.#options.eio === '4') {
      return packets
        .map((packet) => (typeof packet === 'string' ? packet : `b${packet.toString('base64')}`))
        .join('\x1e')
    }
    return packets
      .map((packet) => (typeof packet === 'string' ? packet : `b4${packet.subarray(1).toString('base64')}`))
      .map((packet) => `${packet.length}:${packet}`)
      .join('')
  }

  #decode(payload: Packet): Packet[] {
    if (typeof payload !== 'string') return decodeBinaryPayload(payload)
    return this.#options.eio === '4' ? payload.split('\x1e') : decodeTextPayload(payload)
  }
}

function sidOf(open: string): string {
  const { sid } = JSON.parse(open.slice(1)) as { sid: string }
  return sid
}

/** EIO3: `<characters>:<packet>`, one after another. */
function decodeTextPayload(payload: string): Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < payload.length;) {
    const colon = payload.indexOf(':', at)
    const end = colon + 1 + Number(payload.slice(at, colon))
    packets.push(payload.slice(colon + 1, end))
    at = end
  }
  return packets
}

/** EIO3 with binary in it: 00 (text) or 01 (bytes), the length in decimal digits of a byte each, FF, the packet. */
function decodeBinaryPayload(payload: Buffer): Packet[] {
  const packets: Packet[] = []
  for (let at = 0; at < payload.length;) {
    const mark = payload.indexOf(0xff, at)
    const end = mark + 1 + Number([...payload.subarray(at + 1, mark)].join(''))
    const packet = payload.subarray(mark + 1, end)
    packets.push(payload[at] === 0 ? packet.toString() : packet)
    at = end
  }
  return packets
}
