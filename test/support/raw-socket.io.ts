import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'
import type { Identity } from './raw-identity.js'

type Callback = (...args: unknown[]) => void

/** What the three generations of socket.io-client have in common, as far as it is used here. */
interface ClientSocket {
  on(event: string, listener: (...args: never[]) => void): unknown
  once(event: string, listener: (...args: never[]) => void): unknown
  emit(event: string, ...args: unknown[]): unknown
  close(): unknown
  /** The manager, and the engine below it, which swaps its transport. */
  io: { engine: { transport: { name: string }; once(event: 'upgrade', listener: () => void): unknown } }
}

type Io = (url: string, options: Record<string, unknown>) => ClientSocket

// Version 2 has no types; the others' are wider than what they share with it.
const load = createRequire(import.meta.url) as (name: string) => Io

/** Majors of socket.io-client: 2 speaks engine.io 3, the others engine.io 4. */
export type Major = 2 | 3 | 4

const clients: Record<Major, Io> = {
  2: load('socket.io-client-2'),
  3: load('socket.io-client-3'),
  4: load('socket.io-client')
}

const streams = 'socket.io-pull-stream'

/** One end of a dial. */
export interface ClientStream {
  send(chunk: Buffer): void
  end(): void
  /** What came, once the other end has ended its half. */
  received: Promise<Buffer[]>
}

/** A peer of the star made of nothing but socket.io-client. */
export class ClientPeer {
  readonly socket: ClientSocket
  address = ''

  constructor(major: Major, url: string, transports: readonly string[] | undefined) {
    this.socket = clients[major](url, { forceNew: true, reconnection: false, ...(transports && { transports }) })
    onTestFinished(() => void this.socket.close())
  }

  async join(identity: Identity, prefix: string): Promise<void> {
    this.address = `${prefix}/ipfs/${identity.id}`
    const [, nonce] = await this.#request('ss-join', this.address, identity.publicKeyHex)
    const [error] = await this.#request('ss-join', this.address, await identity.sign(String(nonce)))
    if (error !== null) throw new Error(String(error))
  }

  /** Waits until it has left polling for a WebSocket. */
  async upgraded(): Promise<void> {
    const { engine } = this.socket.io
    if (engine.transport.name !== 'websocket') await new Promise<void>((resolve) => engine.once('upgrade', resolve))
  }

  /** @returns the stream, open for sending */
  async dial(to: ClientPeer): Promise<ClientStream> {
    const id = randomUUID()
    const sending = this.#accepted(`${id}.dialer`)
    const [error] = await this.#request('ss-dial', this.address, to.address, id)
    if (error !== undefined) throw new Error(String(error))
    return await this.#open(id, 'dialer', sending)
  }

  /** Accepts the next dial. */
  async listen(): Promise<ClientStream> {
    return await new Promise((resolve) => {
      this.socket.once('ss-incomming', (id: string, _from: string, answer: Callback) => {
        resolve(this.#open(id, 'listener', this.#accepted(`${id}.listener`)))
        answer()
      })
    })
  }

  async #request(event: string, ...args: unknown[]): Promise<unknown[]> {
    return await new Promise((resolve) => this.socket.emit(event, ...args, (...answer: unknown[]) => resolve(answer)))
  }

  async #accepted(stream: string): Promise<void> {
    await new Promise<void>((resolve) => this.socket.once(`${streams}.accept.${stream}`, () => resolve()))
  }

  async #open(id: string, side: 'dialer' | 'listener', sending: Promise<void>): Promise<ClientStream> {
    const out = `${id}.${side}`
    const back = `${id}.${side === 'dialer' ? 'listener' : 'dialer'}`
    const chunks: Buffer[] = []
    this.socket.on(`${streams}.queue.${back}`, (chunk: Buffer) => void chunks.push(chunk))
    const received = new Promise<Buffer[]>((resolve, reject) => {
      this.socket.once(`${streams}.error.${back}`, (end: unknown) => {
        if (end === true) resolve(chunks)
        else reject(new Error(String(end)))
      })
    })
    this.socket.emit(`${streams}.accept.${back}`)
    await sending
    return {
      received,
      send: (chunk) => void this.socket.emit(`${streams}.queue.${out}`, chunk),
      end: () => void this.socket.emit(`${streams}.error.${out}`, true)
    }
  }
}
