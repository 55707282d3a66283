import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Star } from './star.js'

/** A TCP hop between a client and a server that can fail as networks do: without a word. */
export interface TcpProxy extends AsyncDisposable {
  /** What the star's addresses start with for those who go this way. */
  readonly multiaddr: string
  /**
   * From now on nothing passes on the connections that are open, in either direction, though every socket stays open:
   * what a laptop leaves behind when it changes networks. Later connections work.
   */
  silence(): void
}

export async function startTcpProxy(star: Star): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(star.port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // a reset is as good a goodbye as any
      socket.on('error', () => {})
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // a listening TCP server has an address with a port
  const { port } = server.address() as AddressInfo

  return {
    multiaddr: star.multiaddr.replace(`/${star.port}/`, `/${port}/`),
    silence() {
      for (const socket of sockets) {
        socket.unpipe()
        socket.pause()
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
