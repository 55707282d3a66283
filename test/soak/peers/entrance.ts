import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { Way } from '../../chaos/ways.js'

/** A way as an address, for clients that take no agent. */
export class Entrance {
  readonly url: string
  readonly multiaddr: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, way: Way) {
    const { port } = server.address() as AddressInfo // it listens on TCP
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
    this.multiaddr = `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`
    server.on('connection', (near: Socket) => {
      this.#sockets.add(near)
      near.once('close', () => this.#sockets.delete(near))
      // What one end does, the other is told by the end of the pipeline.
      pipeline(near, way.createConnection(), near, () => {})
    })
  }

  static async open(way: Way): Promise<Entrance> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Entrance(server, way)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
