import { randomUUID } from 'node:crypto'
import { BINARY, textFrame } from './frame.js'
import { randomPeerId } from './peer-id.js'
import { RawSocket } from './raw-socket.js'

/** What a peer does with a dial: it may write to the socket before it answers. Returns the arguments of the answer. */
export type Callee = (id: string) => unknown[]

export interface StarPeerOptions {
  /** Revision of engine.io. Default 3, as legacy clients speak it. */
  revision?: 3 | 4
}

/** engine.io closes a silent client of revision 3 after 45 s at the earliest. */
const HEARTBEAT_INTERVAL = 10_000

const STREAM_EVENT = 'socket.io-pull-stream.'

/** A peer of the star as the load needs it: it joins, dials and is dialled; chunks are for others to send and check. */
export class StarPeer {
  readonly socket: RawSocket
  readonly address: string
  /** What the server said of itself when it answered CONNECT; legacy servers say nothing. */
  readonly #capabilities: unknown
  readonly #answers = new Map<number, (args: unknown[]) => void>()
  readonly #streamEvents = new Map<string, (args: unknown[]) => void>()
  #callee: Callee | undefined
  #lastAck = 0

  private constructor(socket: RawSocket, port: number, inbox: Inbox, revision: 3 | 4, capabilities: unknown) {
    this.socket = socket
    this.#capabilities = capabilities
    this.address = `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star/ipfs/${randomPeerId()}`
    inbox.receive = (text) => this.#receive(text)
    // In revision 4 it is the server that pings.
    if (revision === 3) {
      const heartbeat = setInterval(() => this.sendText('2'), HEARTBEAT_INTERVAL).unref()
      socket.tcp.once('close', () => clearInterval(heartbeat))
    }
  }

  /** Connects and says hello; the peer is not joined yet. */
  static async connect(port: number, { revision = 3 }: StarPeerOptions = {}): Promise<StarPeer> {
    const inbox: Inbox = { receive: (text) => early.push(text) }
    const early: string[] = []
    const socket = await RawSocket.open(
      port,
      `/socket.io/?EIO=${revision}&transport=websocket`,
      (opcode, bytes, start, end) => {
        if (opcode === BINARY) throw new Error('a chunk came that nobody waits for')
        inbox.receive(bytes.toString('utf8', start, end))
      }
    )
    const answer = await new Promise<string>((resolve) => {
      const look = (text: string) => {
        if (text.startsWith('40')) resolve(text)
        else if (revision === 4 && text.startsWith('0')) {
          socket.tcp.write(textFrame('40{"websocketStar":{"version":2,"peers":"none"}}'))
        }
      }
      inbox.receive = look
      for (const text of early) look(text)
    })
    const data: unknown = answer.length > 2 ? JSON.parse(answer.slice(2)) : undefined
    const capabilities =
      typeof data === 'object' && data !== null && 'websocketStar' in data ? data.websocketStar : undefined
    return new StarPeer(socket, port, inbox, revision, capabilities)
  }

  /** Whether the server said that it knows windows and credit. */
  get windowed(): boolean {
    return this.#capabilities !== undefined
  }

  sendText(text: string): void {
    this.socket.tcp.write(textFrame(text))
  }

  emit(name: string, ...args: unknown[]): void {
    this.sendText(`42${JSON.stringify([name, ...args])}`)
  }

  request(name: string, ...args: unknown[]): Promise<unknown[]> {
    const id = this.#lastAck++
    return new Promise((resolve) => {
      this.#answers.set(id, resolve)
      this.sendText(`42${id}${JSON.stringify([name, ...args])}`)
    })
  }

  async join(): Promise<void> {
    const [error] = await this.request('ss-join', this.address, '')
    if (error !== null && error !== undefined) throw new Error(`the server refused a join: ${String(error)}`)
  }

  answerDials(callee: Callee): void {
    this.#callee = callee
  }

  /** Tells the server that chunks of this stream half may come. */
  accept(stream: string): void {
    this.emit(`${STREAM_EVENT}accept.${stream}`)
  }

  /** Ends a stream half, from either end. */
  end(stream: string, reason: true | string = true): void {
    this.emit(`${STREAM_EVENT}error.${stream}`, reason)
  }

  /** Dials; the id of the dial and the server's error, if it failed. */
  async dial(to: string, id: string = randomUUID()): Promise<unknown> {
    const [error] = await this.request('ss-dial', this.address, to, id)
    return error
  }

  /** Listens to one kind of event of one stream half: `accept`, `credit` or `error`. */
  onStream(kind: 'accept' | 'credit' | 'error', stream: string, listener: (args: unknown[]) => void): void {
    this.#streamEvents.set(`${STREAM_EVENT}${kind}.${stream}`, listener)
  }

  forgetStream(stream: string): void {
    for (const kind of ['accept', 'credit', 'error']) this.#streamEvents.delete(`${STREAM_EVENT}${kind}.${stream}`)
  }

  #receive(text: string): void {
    if (text === '2') return this.sendText('3')
    const at = text.indexOf('[')
    const id = text.slice(2, at)
    if (text.startsWith('43')) {
      const settle = this.#answers.get(Number(id))
      this.#answers.delete(Number(id))
      return settle?.(JSON.parse(text.slice(at)) as unknown[]) // the arguments of an answer are an array
    }
    if (!text.startsWith('42')) return
    const [name, ...args] = JSON.parse(text.slice(at)) as [string, ...unknown[]] // an event has a name
    if (name === 'ss-incomming') {
      const answer = this.#callee?.(String(args[0])) ?? []
      return this.sendText(`43${id}${JSON.stringify(answer)}`)
    }
    this.#streamEvents.get(name)?.(args)
  }
}

/** Where texts go: first to the handshake, then to the peer. */
interface Inbox {
  receive: (text: string) => void
}
