import type { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { listen } from '../support/http-server.js'

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
/** Another protocol, whose end ends the connection. */
function welcome(socket: Duplex): void {
  socket.on('end', () => socket.end()).resume()
  socket.write('[new]')
}

/** So many files that few connections are left when two are open. */
const FEW = { limit: 100, used: 34 }

describe('connections of one address', () => {
  test('are as many as it may have; those beyond end and are counted, whether or not they say anything', async () => {
    const { connect, connections, counters, account } = await listen(
      { request: (_request, response) => void response.end('[ok]') },
      { perIp: 3 }
    )
    const first = [connect(), connect(), connect()]
    await expect.poll(() => connections.size).toBe(3)
    const more = [connect(), connect()]
    await Promise.all(more.map(({ closed }) => closed))
    expect({ size: connections.size, own: account.connections }).toEqual({ size: 3, own: 3 })
    expect(counters.snapshot().refused).toEqual({ 'connections per ip': 2 })
    first[0]?.socket.destroy()
    await expect.poll(() => account.connections).toBe(2)
    const next = connect()
    next.socket.write(GET)
    expect(await next.received((text) => text.includes('[ok]'))).toContain('[ok]')
  })

  test('count while they are upgraded, until they end', async () => {
    const { connect, account, connections } = await listen({
      upgrade: (_request, socket) => welcome(socket)
    })
    const client = connect()
    client.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    await client.received((text) => text.includes('[new]'))
    expect([connections.size, account.connections]).toEqual([1, 1])
    client.socket.destroy()
    await expect.poll(() => [connections.size, account.connections]).toEqual([0, 0])
  })
})

describe('a connection ends', () => {
  test.each([
    ['nothing', ''],
    ['a part of a request line', 'GET /'],
    ['headers without an end', 'GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n']
  ])('that sends %s', async (_, text) => {
    const { connect, connections } = await listen({}, { timeouts: { headers: 100 } })
    const client = connect()
    client.socket.write(text)
    await client.closed
    await expect.poll(() => connections.size).toBe(0)
  })

  test('whose body takes too long', async () => {
    const { connect } = await listen(
      { request: (request) => void request.resume() },
      { timeouts: { headers: 100, request: 200 } }
    )
    const client = connect()
    client.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx')
    await client.closed
  })

  test('but not while it is answered, however long that takes', async () => {
    let answer = (): void => {}
    const { connect, connections } = await listen(
      { request: (_request, response) => (answer = () => void response.end('[late]')) },
      { timeouts: { headers: 50, request: 100, idle: 50 } }
    )
    const client = connect()
    client.socket.write(GET)
    const silent = connect()
    await silent.closed
    expect(connections.size).toBe(1)
    answer()
    expect(await client.received((text) => text.includes('[late]'))).toContain('[late]')
    await client.closed
  })
})

describe('when few connections are left', () => {
  test('quiet ones end soon, and those that are answered or upgraded stay', async () => {
    const { connect, connections } = await listen(
      { request: () => {}, upgrade: (_request, socket) => welcome(socket) },
      { openFiles: FEW, patience: 100 }
    )
    const [asking, upgraded] = [connect(), connect()]
    asking.socket.write(GET)
    upgraded.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    await upgraded.received((text) => text.includes('[new]'))
    expect(connections.areShort).toBe(false)
    const silent = [connect(), connect(), connect()]
    await expect.poll(() => connections.areShort).toBe(true)
    await Promise.all(silent.map(({ closed }) => closed))
    await expect.poll(() => [connections.size, connections.areShort]).toEqual([2, false])
    expect([asking.socket.destroyed, upgraded.socket.destroyed]).toEqual([false, false])
  })

  test('is never where the system does not say how many there may be', async () => {
    const { connections, connect } = await listen({})
    connect()
    await expect.poll(() => connections.size).toBe(1)
    expect(connections.areShort).toBe(false)
  })
})
