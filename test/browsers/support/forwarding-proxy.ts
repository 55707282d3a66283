import { createServer, request as ask, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

/** A reverse proxy whose clients all have one public address, which limits hold for. */
export interface ForwardingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
}

/** @param target - port of the server, which has to trust proxies of this machine */
export async function forwardAs(address: string, target: number): Promise<ForwardingProxy> {
  const headersOf = ({ headers }: IncomingMessage) => ({ ...headers, 'x-forwarded-for': address })
  const server = createServer((request, response) => {
    const { url: path, method } = request
    const options = { host: '127.0.0.1', port: target, path, method, headers: headersOf(request), agent: false }
    const asked = ask(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  })
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request, near) => {
    upgraded.add(near)
    near.on('close', () => upgraded.delete(near))
    const lines = Object.entries(headersOf(request)).map(([name, value]) => `${name}: ${String(value)}\r\n`)
    const far = connect(target, '127.0.0.1')
    far.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // no pipe
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
