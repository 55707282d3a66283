import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { AddressAccount } from '../../src/budget/address-account.js'
import { AttachedServer } from '../../src/attached-server.js'
import { BasePath } from '../../src/http/base-path.js'
import { Connections, type ConnectionsOptions } from '../../src/http/connections.js'
import { ListeningServer, type HttpTimeouts, type ServerHandlers } from '../../src/server.js'
import { Counters } from '../../src/stats.js'
import { budgetWith } from './budget.js'

/** A server with nothing but its connections, whose clients all come from one address that is no loopback's. */
export interface HttpServer {
  connections: Connections
  counters: Counters
  account: AddressAccount
  port: number
  connect: () => Client
}

interface Client {
  socket: Socket
  /** Waits until so much has come, or the end. */
  received: (isEnough: (text: string) => boolean) => Promise<string>
  closed: Promise<void>
}

interface Setting extends Partial<Omit<ConnectionsOptions, 'counters' | 'accountOf'>> {
  timeouts?: Partial<HttpTimeouts>
  tls?: SecureContextOptions
  /** Serves below `/star` of this application. */
  application?: RequestListener
}

/** Serves until the test is over. */
export async function listen(handlers: Partial<ServerHandlers>, setting: Setting = {}): Promise<HttpServer> {
  const { timeouts, tls, application, ...options } = setting
  const counters = new Counters()
  const account = budgetWith().addressOf({ ip: '192.0.2.1', exempt: false })
  const connections = new Connections({
    perIp: 1_024,
    openFiles: undefined,
    now: () => performance.now(),
    ...options,
    counters,
    accountOf: () => account
  })
  const all: ServerHandlers = {
    request: (request, response) => handlers.request?.(request, response),
    upgrade: (request, socket, head) => handlers.upgrade?.(request, socket, head)
  }
  const port =
    application === undefined
      ? await listenAlone(all, connections, tls, { headers: 10_000, request: 60_000, idle: 5_000, ...timeouts })
      : await attachTo(application, all, connections)
  return { connections, counters, account, port, connect: () => clientAt(port) }
}

async function listenAlone(
  handlers: ServerHandlers,
  connections: Connections,
  tls: SecureContextOptions | undefined,
  timeouts: HttpTimeouts
): Promise<number> {
  const server = await ListeningServer.listen(tls, { host: '127.0.0.1', port: 0 }, handlers, connections, timeouts)
  onTestFinished(() => server.close())
  return server.address.port
}

async function attachTo(
  application: RequestListener,
  handlers: ServerHandlers,
  connections: Connections
): Promise<number> {
  const http = createServer(application).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new AttachedServer(http, new BasePath('/star'), handlers, connections)
  onTestFinished(async () => {
    await server.close()
    http.close()
    http.closeAllConnections()
  })
  return (http.address() as AddressInfo).port // of TCP
}

function clientAt(port: number): Client {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  let look = (): void => {}
  const closed = new Promise<void>((resolve) => {
    // A server that hangs up on what was sent resets the connection.
    socket.on('error', () => {})
    socket.once('close', () => {
      resolve()
      look()
    })
  })
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    look()
  })
  const received = async (isEnough: (text: string) => boolean): Promise<string> =>
    await new Promise((resolve) => {
      look = () => {
        if (isEnough(text) || socket.destroyed) resolve(text)
      }
      look()
    })
  return { socket, received, closed }
}
