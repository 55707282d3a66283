import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { webSocketStar, type WebSocketStarInit } from '@websocket-star/libp2p'
import { within } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'
import { failure } from '../support/star-client.js'

const SOMEBODY = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

/** The address of a star that would be at a server which is none. */
async function addressOf(server: Server, tls = false): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  return `/ip4/127.0.0.1/tcp/${port}/${tls ? 'wss' : 'ws'}/p2p-websocket-star`
}

describe('options', () => {
  test.each([
    [{ listenTimeout: '5s' }, 'listenTimeout: expected a number, got "5s"'],
    [{ listenTimeout: -1 }, 'listenTimeout: expected milliseconds from 1 to 2147483647, got -1'],
    [{ listenTimeout: Number.POSITIVE_INFINITY }, 'got Infinity'],
    [{ listenTimeout: Number.NaN }, 'got NaN'],
    [{ idleStarTimeout: 0 }, 'idleStarTimeout: expected milliseconds from 1 to 2147483647, got 0'],
    [{ strict: 'yes' }, 'strict: expected a boolean, got "yes"'],
    [{ window: null }, 'window: expected an object, got null'],
    [{ strct: true }, 'strct: unknown option, expected one of strict, '],
    [{ servers: ['https://star.example.com'] }, 'servers: unknown option']
  ])('%j are refused', (options, message) => {
    // What plain JavaScript may pass.
    const attempt = () => webSocketStar(options as WebSocketStarInit)
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTIONS' }))
    expect(attempt).toThrow(message)
  })

  test('what is undefined is not given', () => {
    expect(() => webSocketStar({ strict: undefined, listenTimeout: undefined } as object)).not.toThrow()
  })
})

describe('a node does not start', () => {
  test.each([true, false])("with somebody else's peer id in its address, strict: %s", async (strict) => {
    await using star = await startStar()
    // It does not wait for the star either.
    const starting = startNode([`${star.multiaddr}/p2p/${SOMEBODY}`], { star: { strict, listenTimeout: 3_600_000 } })
    const { message } = await within('the refusal', failure(starting))
    expect(message).toContain(`it names the peer ${SOMEBODY}, and this client is`)
    expect(star.server.stats().peers).toBe(0)
  })

  test('when it is strict and a server does not answer: the error names it', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {}))
    const address = await addressOf(silent)
    const { message } = await failure(startNode([address], { star: { strict: true, listenTimeout: 50 } }))
    const [, port] = /tcp\/(\d+)/.exec(address) ?? []
    expect(message).toContain(`http://127.0.0.1:${port} was not joined within 50 ms`)
  })

  test('when it is strict and a web server is there instead of a star', async () => {
    const web = createHttpServer((_, response) => void response.end('hello'))
    web.on('upgrade', (_, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
    const { message } = await failure(startNode([await addressOf(web)], { star: { strict: true } }))
    expect(message).toContain('Unexpected server response: 200 (something answers there, but no WebSocketStar server)')
  })

  test('when it is strict and looks for TLS where there is none', async () => {
    const address = await addressOf(createHttpServer(), true)
    const { message } = await failure(startNode([address], { star: { strict: true } }))
    expect(message).toContain('(the server may speak ws, not wss)')
  })
})
