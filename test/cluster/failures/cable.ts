import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { RedisServer } from '../../support/redis.js'

/**
 * How a network fails: `silent`, packets are lost and nobody is told, for new connections too; `refusing`, every connection
 * ends at once, and there is no new one.
 */
type Fault = 'silent' | 'refusing'

/** The way from a node, or from a replica, to Redis: it can be cut, and be led to another Redis. Ends with the test. */
export class Cable implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #scheme: string
  #target: number
  #fault: Fault | undefined

  private constructor(server: Server, target: RedisServer) {
    this.#server = server
    // A listening TCP server has an address with a port.
    this.port = (server.address() as AddressInfo).port
    this.#target = target.port
    this.#scheme = new URL(target.url).protocol
    server.on('connection', (near: Socket) => this.#join(near))
  }

  static async lay(target: RedisServer): Promise<Cable> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const cable = new Cable(server, target)
    onTestFinished(() => cable[Symbol.asyncDispose]())
    return cable
  }

  get url(): string {
    return `${this.#scheme}//127.0.0.1:${this.port}`
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

  /** From now on it leads to another Redis; whoever used it has to connect again. */
  lead(target: RedisServer): void {
    this.#target = target.port
    this.mend()
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
    this.#pass(near, far)
    this.#pass(far, near)
  }

  #pass(from: Socket, to: Socket): void {
    this.#keep(from)
    from.on('data', (bytes: Buffer) => {
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
