import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * How a network fails: `silent`, packets are lost and nobody is told, for new connections too; `refusing`, every connection
 * ends at once, and there is no new one.
 */
type Fault = 'silent' | 'refusing'

interface Target {
  readonly port: number
}

/** Answers that are held back: of connections whose client began with something. */
interface Hold {
  readonly whose: RegExp
  readonly answers: (() => void)[]
}

/** A TCP hop to a server, which can fail as networks do and be led elsewhere. */
export class Cable implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: number
  #fault: Fault | undefined
  #hold: Hold | undefined

  private constructor(server: Server, target: Target) {
    this.#server = server
    // A listening TCP server has an address with a port.
    this.port = (server.address() as AddressInfo).port
    this.#target = target.port
    server.on('connection', (near: Socket) => this.#join(near))
  }

  static async lay(target: Target): Promise<Cable> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Cable(server, target)
  }

  /** The URL or multiaddr of the server for those who go this way. */
  through(address: string): string {
    const elsewhere = address.replace(new RegExp(`(?<=[:/])${this.#target}(?=/|$)`), String(this.port))
    if (elsewhere === address) throw new Error(`${address} does not lead to port ${this.#target}`)
    return elsewhere
  }

  cut(fault: Fault): void {
    this.#fault = fault
    if (fault === 'refusing') this.#reset()
  }

  /** New connections pass. Those that were open before do not, and both ends are told so. */
  mend(): void {
    this.#fault = undefined
    this.#reset()
  }

  /** From now on it leads to another server; whoever used it has to connect again. */
  lead(target: Target): void {
    this.#target = target.port
    this.mend()
  }

  /**
   * From now on nothing passes on the connections that are open, in either direction, though every socket stays open: what a
   * laptop leaves behind when it changes networks. Later connections work.
   */
  abandon(): void {
    for (const socket of this.#sockets) {
      for (const event of ['data', 'drain', 'close']) socket.removeAllListeners(event)
      socket.pause()
    }
  }

  /** What the server says on connections whose client began with that does not come before {@link letGo}. */
  hold(whose: RegExp): void {
    this.#hold = { whose, answers: [] }
  }

  letGo(): void {
    const { answers } = this.#hold ?? { answers: [] }
    if (answers.length === 0) throw new Error('nothing was held back')
    this.#hold = undefined
    for (const answer of answers) answer()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reset()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #reset(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(near: Socket): void {
    if (this.#fault === 'refusing') {
      near.resetAndDestroy()
      return
    }
    // Who connects while it is silent is never heard.
    if (this.#fault === 'silent') {
      this.#keep(near)
      near.resume()
      return
    }
    const far = connect(this.#target, '127.0.0.1')
    let beginning = ''
    near.once('data', (bytes: Buffer) => (beginning = bytes.toString('latin1')))
    this.#pass(near, far, () => undefined)
    this.#pass(far, near, () => (this.#hold?.whose.test(beginning) === true ? this.#hold : undefined))
  }

  #pass(from: Socket, to: Socket, holdOf: () => Hold | undefined): void {
    this.#keep(from)
    from.on('data', (bytes: Buffer) => {
      const hold = holdOf()
      if (hold !== undefined) {
        hold.answers.push(() => to.write(bytes))
        return
      }
      if (this.#fault === 'silent' || to.destroyed || to.write(bytes)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
    from.on('close', () => {
      if (this.#fault !== 'silent') to.destroy()
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A reset is as good a goodbye as any.
    socket.on('error', () => {})
  }
}
