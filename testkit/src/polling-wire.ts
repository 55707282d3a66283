import { address, headersOf, type Closed, type Packet, type Receive, type Wire, type WireOptions } from './wire.js'

/** HTTP long polling. */
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
  #isLost = false
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
    this.#posts = this.#posts.then(async () => {
      // What was not delivered must not be followed by what is.
      if (this.#isLost) return
      const status = await this.post(this.#encode(packets))
      if (status === 200) return
      this.#isLost = true
      this.#close({ code: status, reason: 'a POST failed' })
      this.close()
    })
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
      while (!this.#isLost) {
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
