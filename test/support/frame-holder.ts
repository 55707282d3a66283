import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP hop to a server that lets WebSockets open and then holds back their frames, as some proxies and antivirus programs do. */
export interface FrameHolder extends AsyncDisposable {
  readonly url: string
  /** The connections so far, by what they are used for. */
  readonly connections: ('websocket' | 'http')[]
  /** Lets the frames of later connections pass. */
  release(): void
  /** Cuts all connections. */
  reset(): void
}

const END_OF_HEAD = '\r\n\r\n'

/** @param port - of the server, on the loopback interface */
export async function startFrameHolder(port: number): Promise<FrameHolder> {
  const connections: FrameHolder['connections'] = []
  const sockets = new Set<Socket>()
  let isHolding = true
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const join = (socket: Socket, other: Socket): void => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    join(near, far)
    join(far, near)
    near.once('data', (head: Buffer) => {
      const isWebSocket = /^upgrade: websocket/im.test(head.toString('latin1'))
      connections.push(isWebSocket ? 'websocket' : 'http')
      far.write(head)
      if (!isWebSocket || !isHolding) {
        near.pipe(far)
        far.pipe(near)
        return
      }
      near.resume()
      far.once('data', (answer: Buffer) => {
        near.write(answer.subarray(0, answer.indexOf(END_OF_HEAD) + END_OF_HEAD.length))
        far.resume()
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reset = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    connections,
    release() {
      isHolding = false
    },
    reset,
    async [Symbol.asyncDispose]() {
      reset()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
