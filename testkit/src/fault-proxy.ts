import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Lane, Pipe } from './pipe.js'

/**
 * How a network fails. `silent`: nothing arrives and nobody is told; what is sent meanwhile arrives later, and new
 * connections are never answered. `refusing`: every connection is reset, and so is each new one.
 */
export type Fault = 'silent' | 'refusing'

/** A TCP server of the loopback interface. */
export interface Target {
  readonly port: number
}

export interface FaultProxyOptions {
  /** Milliseconds that every byte takes, each way. Default 0. */
  latency?: number
  /** Bytes a second towards the target, of all connections together. Default: no limit. */
  rate?: number
  /** Bytes under way in one direction of one connection above which nothing more is read. Default 1 MiB. */
  inFlight?: number
}

/** A TCP hop to a server, which can fail as networks do. Bytes that pass do so in order. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number
  /** What passes from clients to the target, and back. */
  readonly there = new Lane()
  readonly back = new Lane()
  readonly inFlight: number
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  /** Connections that were begun while nothing passed. */
  readonly #stranded = new Set<Socket>()
  #target: number
  #fault: Fault | undefined
  /** Answers that are held back: of connections whose client began with this. */
  #heldBack: RegExp | undefined

  private constructor(server: Server, target: Target, { latency = 0, rate, inFlight = 1 << 20 }: FaultProxyOptions) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port // it listens on TCP
    this.#target = target.port
    this.inFlight = inFlight
    this.setLatency(latency)
    if (rate !== undefined) this.there.rate = rate
    server.on('connection', (near: Socket) => this.#connect(near))
  }

  static async open(target: Target, options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(server, target, options)
  }

  /** Returns the URL or multiaddr of the target for those who go this way. */
  through(address: string): string {
    const elsewhere = address.replace(new RegExp(`(?<=[:/])${this.#target}(?=/|$)`), String(this.port))
    if (elsewhere === address) throw new Error(`${address} does not lead to port ${this.#target}`)
    return elsewhere
  }

  /** Delays each byte that is read from now on by so many milliseconds, each way. */
  setLatency(milliseconds: number): void {
    for (const lane of [this.there, this.back]) lane.latency = milliseconds
  }

  /** Lets so many bytes a second pass, each way. */
  setRate(bytes: number): void {
    for (const lane of [this.there, this.back]) lane.rate = bytes
  }

  cut(fault: Fault): void {
    this.#fault = fault
    if (fault === 'refusing') this.reset()
  }

  /** Lets bytes pass again, those first that were sent during a silence. */
  mend(): void {
    this.#fault = undefined
    for (const socket of this.#stranded) socket.destroy()
    for (const connection of this.#connections) connection.flush()
  }

  /** Ends every open connection, for both ends. What is under way is lost. */
  reset(): void {
    for (const socket of this.#stranded) socket.destroy()
    for (const connection of this.#connections) connection.destroy()
  }

  /** Leads to another server from now on; whoever is connected has to connect again. */
  lead(target: Target): void {
    this.#target = target.port
    this.reset()
    this.mend()
  }

  /**
   * Lets nothing pass on the connections that are open, in either direction, though every socket stays open: what a
   * laptop leaves behind when it changes networks. Later connections work.
   */
  abandon(): void {
    for (const connection of this.#connections) connection.isAbandoned = true
  }

  /** Keeps what the target says on connections whose client began with that, until {@link releaseAnswers}. */
  holdAnswers(whose: RegExp): void {
    this.#heldBack = whose
  }

  /** @throws {Error} if there was no answer to hold back */
  releaseAnswers(): void {
    const held = [...this.#connections].filter(({ hasAnswers }) => hasAnswers)
    if (held.length === 0) throw new Error('nothing was held back')
    this.#heldBack = undefined
    for (const connection of held) connection.flush()
  }

  get isSilent(): boolean {
    return this.#fault === 'silent'
  }

  holdsAnswersTo(beginning: string): boolean {
    return this.#heldBack?.test(beginning) === true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connect(near: Socket): void {
    // A reset is as good an end as any.
    near.on('error', () => {})
    if (this.#fault === 'refusing') {
      near.resetAndDestroy()
    } else if (this.#fault === 'silent') {
      this.#stranded.add(near)
      near.once('close', () => this.#stranded.delete(near)).resume()
    } else {
      const far = connect({ host: '127.0.0.1', port: this.#target, noDelay: true, allowHalfOpen: true })
      far.on('error', () => {})
      const connection = new Connection(near, far, this)
      this.#connections.add(connection)
      const forget = (): void => {
        if (near.destroyed && far.destroyed) this.#connections.delete(connection)
      }
      for (const socket of [near, far]) socket.once('close', forget)
    }
  }
}

/** A client's socket and the one to the target. */
class Connection {
  isAbandoned = false
  readonly #proxy: FaultProxy
  readonly #sockets: readonly [near: Socket, far: Socket]
  readonly #there: Pipe
  readonly #back: Pipe
  /** What the client said first. */
  #beginning = ''
  /** One of the sockets is gone, and the other is still to be told. */
  #isBroken = false

  constructor(near: Socket, far: Socket, proxy: FaultProxy) {
    const { there, back, inFlight } = proxy
    this.#proxy = proxy
    this.#sockets = [near, far]
    near.once('data', (bytes: Buffer) => (this.#beginning = bytes.toString('latin1')))
    this.#there = new Pipe(near, far, { lane: there, inFlight, isHeld: () => this.#isHeld })
    const isAnswerHeld = (): boolean => this.#isHeld || proxy.holdsAnswersTo(this.#beginning)
    this.#back = new Pipe(far, near, { lane: back, inFlight, isHeld: isAnswerHeld })
    for (const socket of this.#sockets) socket.once('close', (hadError) => this.#closed(socket, hadError))
  }

  get hasAnswers(): boolean {
    return this.#back.isWaiting
  }

  get #isHeld(): boolean {
    return this.isAbandoned || this.#proxy.isSilent
  }

  flush(): void {
    if (this.#isBroken && !this.#isHeld) this.destroy()
    this.#there.flush()
    this.#back.flush()
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** A socket that ended as it should has handed its end on; of any other the second socket hears when packets pass. */
  #closed(socket: Socket, hadError: boolean): void {
    if (socket.readableEnded && !hadError) return
    this.#isBroken = true
    if (!this.#isHeld) this.destroy()
  }
}
