import { createRendezvous, type Rendezvous, type RendezvousOptions } from '@websocket-star/rendezvous'

/** Where a server is. */
export interface StarAddress {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** `/ip4/127.0.0.1/tcp/<port>/ws/p2p-websocket-star`: what a peer's address starts with. */
  readonly multiaddr: string
}

/** A server of ours on a free port of the loopback interface, for one test. */
export interface Star extends StarAddress, AsyncDisposable {
  readonly server: Rendezvous
  /** Takes the server away, as a crash or an upgrade does. */
  stop(): Promise<void>
  /** A new server on the same port, which knows nothing of the old one's peers. */
  restart(): Promise<void>
}

export async function startStar(options: RendezvousOptions = {}): Promise<Star> {
  let server = createRendezvous({ host: '127.0.0.1', port: 0, ...options })
  await server.start()
  const { port, url, multiaddr } = server.address()
  let running = true

  async function stop(): Promise<void> {
    if (!running) return
    running = false
    await server.stop()
  }

  return {
    get server() {
      return server
    },
    url,
    port,
    multiaddr,
    stop,
    async restart() {
      await stop()
      server = createRendezvous({ host: '127.0.0.1', ...options, port })
      await server.start()
      running = true
    },
    [Symbol.asyncDispose]: stop
  }
}
