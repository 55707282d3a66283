import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { listen } from '../support/http-server.js'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

test('a pipeline is answered in order, and between its requests others are', async () => {
  const begun: string[] = []
  const { connect } = await listen({
    request: ({ url = '' }, response) => {
      begun.push(url)
      response.end(`[${url}]`)
    }
  })
  const [flood, other] = [connect(), connect()]
  const paths = Array.from({ length: 5_000 }, (_, count) => `/${count}`)
  flood.socket.write(paths.map(get).join(''))
  await flood.received((text) => text.includes('[/0]'))
  other.socket.write(get('/other'))
  const text = await flood.received((text) => text.includes('[/4999]'))
  expect([...text.matchAll(/\[(.*?)\]/g)].map(([, path]) => path)).toEqual(paths)
  expect(begun.indexOf('/other')).toBeGreaterThan(0)
  expect(begun.indexOf('/other')).toBeLessThan(4_999)
})

test('few requests of one connection are answered at a time', async () => {
  const answers: (() => void)[] = []
  const { connect } = await listen({
    request: ({ url }, response) => void answers.push(() => response.end(`[${url}]`))
  })
  const client = connect()
  client.socket.write(Array.from({ length: 500 }, (_, count) => get(`/${count}`)).join(''))
  await expect.poll(() => answers.length).toBeGreaterThan(0)
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  expect(answers.length).toBeLessThan(50)
  for (let count = 0; count < 500; count++) {
    await expect.poll(() => answers.length, { interval: 1 }).toBeGreaterThan(count)
    answers[count]?.()
  }
  expect(await client.received((text) => text.includes('[/499]'))).toContain('[/499]')
})

test('after an answer that closes the connection nothing more of it is looked at', async () => {
  const asked: string[] = []
  const { connect } = await listen({
    request: ({ url = '' }, response) => {
      asked.push(url)
      response.shouldKeepAlive = url !== '/3'
      response.end(`[${url}]`)
    }
  })
  const client = connect()
  client.socket.write(Array.from({ length: 2_000 }, (_, count) => get(`/${count}`)).join(''))
  await client.closed
  expect(asked).toEqual(['/0', '/1', '/2', '/3'])
})

test.each([100, 1_400_000])('a body of %d bytes arrives as it was sent', async (size) => {
  const bodies: Buffer[] = []
  const { connect } = await listen({
    request: async (request, response) => {
      bodies.push(await buffer(request))
      response.end(`[${bodies.length}]`)
    }
  })
  const client = connect()
  const sent = [randomBytes(size), randomBytes(size)]
  for (const body of sent) {
    client.socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`)
    client.socket.write(body)
  }
  await client.received((text) => text.includes('[2]'))
  expect(bodies.map((body, index) => body.equals(sent[index] ?? Buffer.alloc(0)))).toEqual([true, true])
})

test('a body that nobody reads for a while arrives whole', async () => {
  const parts: Buffer[] = []
  let read = (): void => {}
  const { connect } = await listen({
    request: (request, response) => {
      read = () => {
        request.on('data', (part: Buffer) => parts.push(part))
        request.on('end', () => response.end('[read]'))
      }
    }
  })
  const client = connect()
  const body = randomBytes(300_000)
  client.socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`)
  client.socket.write(body)
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  read()
  await client.received((text) => text.includes('[read]'))
  expect(Buffer.concat(parts).equals(body)).toBe(true)
})

test('what comes right behind an upgrade belongs to the new protocol', async () => {
  const sent = randomBytes(50_000)
  const { connect, connections } = await listen({
    upgrade: (_request, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      const parts: Buffer[] = []
      let size = 0
      socket.on('data', (part: Buffer) => {
        parts.push(part)
        size += part.length
        if (size === sent.length) socket.end(Buffer.concat(parts).equals(sent) ? 'same' : 'other')
      })
    }
  })
  const client = connect()
  client.socket.write(
    Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'), sent])
  )
  expect(await client.received((text) => text.length > 0)).toBe('same')
  expect(connections.size).toBe(1)
  client.socket.destroy()
  await expect.poll(() => connections.size).toBe(0)
})

test('nothing of a body is looked at after the answer to it', async () => {
  let parts = 0
  const { connect } = await listen({
    request: (request, response) => {
      const push = request.push.bind(request)
      request.push = (part: unknown) => {
        parts++
        return push(part)
      }
      response.end('[no]')
    }
  })
  const client = connect()
  client.socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n' + '1\r\nx\r\n'.repeat(10_000))
  await client.closed
  // What was read with the headers.
  expect(parts).toBeLessThan(100)
})

test('a connection ends with an answer to a body that goes on, and stays after one that is complete', async () => {
  const { connect } = await listen({ request: (_request, response) => void response.end('[no]') })
  const client = connect()
  for (let count = 1; count <= 2; count++) {
    client.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc')
    await client.received((text) => text.split('[no]').length > count)
  }
  client.socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  await client.closed
})
