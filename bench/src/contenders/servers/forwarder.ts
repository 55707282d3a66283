/**
 * The least that a relay on `ws` can do: sockets that open the same `/pair/<name>` are a pair, and each message of one is
 * sent to the other from a plain handler.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

const http = createServer()
const server = new WebSocketServer({ server: http, perMessageDeflate: false })
const waiting = new Map<string, WebSocket>()

server.on('connection', (socket, { url = '' }) => {
  const partner = waiting.get(url)
  if (partner === undefined) {
    waiting.set(url, socket)
    return
  }
  waiting.delete(url)
  forward(socket, partner)
  forward(partner, socket)
})

http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo // it listens on TCP
  console.log(`Listening on: http://127.0.0.1:${port}`)
})

function forward(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, binary) => to.send(data, { binary }))
  from.on('close', () => to.terminate())
}
