import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Star } from '../../support/star.js'

/** A way to a star that carries no more than so much towards it, as most people's does. */
export interface SlowLink extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
}

/** @param rate - bytes per millisecond */
export async function startSlowLink(star: Star, rate: number): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(star.port, '127.0.0.1')
    far.pipe(near)
    near.on('data', (bytes) => {
      far.write(bytes)
      near.pause()
      setTimeout(() => near.resume(), bytes.length / rate)
    })
    near.on('close', () => far.destroy())
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // a reset is as good a goodbye as any
      socket.on('error', () => {})
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // a listening TCP server has an address with a port
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
