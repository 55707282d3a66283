import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { within } from '@websocket-star/testkit'
import { onTestFinished } from 'vitest'
import type { SocketLike } from '@websocket-star/streams'

/** Majors of socket.io: 2 speaks engine.io 3, the others engine.io 4. */
export type Major = 2 | 3 | 4

/** What servers' and clients' sockets of all versions have in common, as far as it is used here. */
export interface TestSocket extends SocketLike {
  once(event: string, listener: (...args: never[]) => void): unknown
  disconnect(): unknown
  listeners(event: string): unknown[]
  /** Versions 3 and 4. */
  listenersAny?(): unknown[]
  /** Version 2. */
  onevent?: unknown
}

type Transport = 'websocket' | 'polling'

interface Server {
  of(namespace: string): { on(event: 'connection', listener: (socket: TestSocket) => void): unknown }
  close(): unknown
}

interface ServerOptions {
  maxHttpBufferSize: number
}

type Connect = (url: string, options: object) => TestSocket

const require = createRequire(import.meta.url)
// Versions 2 have no types, and what the others share with them is less than what they have.
const servers: Record<Major, (http: HttpServer, options: ServerOptions) => Server> = {
  2: require('socket.io-2') as (http: HttpServer, options: ServerOptions) => Server,
  3: (http, options) => new (require('socket.io-3') as ServerModule).Server(http, options),
  4: (http, options) => new (require('socket.io') as ServerModule).Server(http, options)
}
const clients: Record<Major, Connect> = {
  2: require('socket.io-client-2') as Connect,
  3: (require('socket.io-client-3') as { io: Connect }).io,
  4: (require('socket.io-client') as { io: Connect }).io
}

interface ServerModule {
  Server: new (http: HttpServer, options: ServerOptions) => Server
}

/** A server and its clients' versions, and what they speak through. */
export interface Versions {
  server: Major
  client: Major
  transport: Transport
}

/** Those that understand each other. */
export const versions: Versions[] = (['websocket', 'polling'] as const).flatMap((transport) => [
  { server: 2, client: 2, transport },
  { server: 3, client: 3, transport },
  { server: 4, client: 3, transport },
  { server: 4, client: 4, transport }
])

/** One of each kind of socket, where more would show nothing new. */
export const someVersions = versions.filter(({ server, client, transport }) => {
  return transport === 'websocket' && server === client
})

/** The two sockets of one connection. */
export interface Connection {
  client: TestSocket
  server: TestSocket
}

/** A server of socket.io on a free port of the loopback interface, until the test is over. */
export class TestServer {
  readonly #url: string
  readonly #server: Server
  readonly #namespaces = new Set<string>()
  readonly #waiting: ((socket: TestSocket) => void)[] = []

  private constructor(url: string, server: Server) {
    this.#url = url
    this.#server = server
  }

  /** @param options - of socket.io */
  static async start(major: Major, options: object = {}): Promise<TestServer> {
    const http = createServer()
    const server = servers[major](http, { maxHttpBufferSize: 100_000_000, ...options })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    onTestFinished(() => {
      server.close()
      http.close()
      http.closeAllConnections()
    })
    // A server that listens on TCP has an address with a port.
    return new TestServer(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, server)
  }

  /** @param options - of socket.io-client */
  async connect(
    major: Major,
    transport: Transport = 'websocket',
    namespace = '/',
    options: object = {}
  ): Promise<Connection> {
    if (!this.#namespaces.has(namespace)) {
      this.#namespaces.add(namespace)
      this.#server.of(namespace).on('connection', (socket) => this.#waiting.shift()?.(socket))
    }
    const accepted = new Promise<TestSocket>((resolve) => this.#waiting.push(resolve))
    const client = clients[major](this.#url + namespace, {
      forceNew: true,
      reconnection: false,
      transports: [transport],
      ...options
    })
    onTestFinished(() => void client.disconnect())
    const connected = new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('connect_error', reject)
    })
    const [server] = await within('a connection', Promise.all([accepted, connected]))
    return { client, server }
  }
}

export async function connect({ server, client, transport }: Versions): Promise<Connection> {
  return (await TestServer.start(server)).connect(client, transport)
}

/** Who sends. */
export const directions = ['client to server', 'server to client'] as const
export type Direction = (typeof directions)[number]

/** The sender's socket, and the receiver's. */
export function ordered(connection: Connection, direction: Direction): [from: TestSocket, to: TestSocket] {
  const { client, server } = connection
  return direction === 'client to server' ? [client, server] : [server, client]
}

/** Resolves with the arguments of the next event of that name. */
export async function heard(socket: TestSocket, event: string): Promise<unknown[]> {
  return within(
    `the event ${event}`,
    new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)))
  )
}

/** Resolves when the other side has had all that was sent to it so far, and answered. */
export async function settled(from: TestSocket, to: TestSocket): Promise<void> {
  const [asked, answered] = [heard(to, 'are you there'), heard(from, 'yes')]
  from.emit('are you there')
  await asked
  to.emit('yes')
  await answered
}

/** All that is sent on a socket from now on: the names of the events, and their arguments. */
export function recorded(socket: TestSocket): unknown[][] {
  const sent: unknown[][] = []
  const emit = socket.emit.bind(socket)
  socket.emit = (event, ...args) => {
    sent.push([event, ...args])
    return emit(event, ...args)
  }
  return sent
}
