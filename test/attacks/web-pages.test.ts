import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { Command } from '../support/command.js'
import { createIdentity } from '../support/raw-identity.js'
import { openStar } from '../support/raw-star.js'

const APP = 'https://app.example'
const EVIL = 'https://evil.example'
const STAR = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
const POLLING = '/socket.io/?EIO=4&transport=polling'
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket'
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg=='
}
/** What browsers send with everything. */
const BROWSER = { 'accept-language': 'en' }

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** Sends one request with any headers. An upgrade that is accepted has an empty body. */
function ask(
  port: number,
  path: string,
  { body, ...options }: RequestOptions & { body?: string } = {}
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
      const { statusCode: status = 0, headers } = response
      text(response).then((answer) => resolve({ status, headers, body: answer }), reject)
    })
    request.once('upgrade', ({ statusCode: status = 0, headers }, socket) => {
      socket.destroy()
      resolve({ status, headers, body: '' })
    })
    request.once('error', reject).end(body)
  })
}

/** Begins to poll, as a client that is no page. */
async function openPolling(port: number): Promise<string> {
  const { body } = await ask(port, POLLING)
  const { sid } = JSON.parse(body.slice(1)) as { sid: string }
  return `&sid=${sid}`
}

describe('a page of an origin that is not listed', () => {
  test('gets no session by a script, which names no origin', async () => {
    const star = await openStar({ allowedOrigins: [APP] })
    for (const jsonp of ['&j=0', '&j=0&j=1', '&%6a=0', '&j']) {
      for (const eio of ['3', '4']) {
        const { status } = await ask(star.port, `/socket.io/?EIO=${eio}&transport=polling${jsonp}`)
        expect(status).toBe(400)
      }
    }
    expect(star.server.stats()).toMatchObject({ sessions: 0, refused: { jsonp: 8 } })
  })

  test('uses no session, whoever opened it', async () => {
    const star = await openStar({ allowedOrigins: [APP] })
    const sid = await openPolling(star.port)
    const headers = { origin: EVIL }
    const attempts = [
      ask(star.port, POLLING, { headers }),
      ask(star.port, POLLING + sid, { headers }),
      ask(star.port, POLLING + sid, { method: 'POST', body: '40', headers }),
      ask(star.port, WEBSOCKET, { headers: { ...headers, ...UPGRADE } }),
      ask(star.port, WEBSOCKET + sid, { headers: { ...headers, ...UPGRADE } }),
      ask(star.port, POLLING, { headers: { 'sec-fetch-site': 'cross-site' } })
    ]
    for (const { status, headers } of await Promise.all(attempts)) {
      expect(status).toBe(403)
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(star.server.stats()).toMatchObject({ sessions: 1, refused: { origin: 6 } })
    // The session goes on for the client that opened it.
    expect((await ask(star.port, POLLING + sid, { method: 'POST', body: '40' })).body).toBe('ok')
  })

  test('and one that is listed, and the pages of the server itself', async () => {
    const star = await openStar({ allowedOrigins: [APP] })
    for (const origin of [APP, star.url, undefined]) {
      const headers = origin === undefined ? {} : { origin }
      const sid = await openPolling(star.port)
      expect((await ask(star.port, POLLING, { headers })).status).toBe(200)
      expect((await ask(star.port, POLLING + sid, { method: 'POST', body: '40', headers })).status).toBe(200)
      expect((await ask(star.port, WEBSOCKET, { headers: { ...headers, ...UPGRADE } })).status).toBe(101)
      expect((await ask(star.port, WEBSOCKET + sid, { headers: { ...headers, ...UPGRADE } })).status).toBe(101)
    }
    expect(star.server.stats().refused).toEqual({})
  })
})

describe('a page whose name was made to lead to the server', () => {
  test.each([{}, { publicAddresses: [STAR] }, { allowedOrigins: ['self'] }])(
    'reads nothing and joins nobody: %j',
    async (options) => {
      const star = await openStar({ adminToken: 'x'.repeat(16), ...options })
      const host = `evil.example:${star.port}`
      const page = { ...BROWSER, host }
      const origin = { ...page, origin: `http://${host}` }
      const attempts = [
        ask(star.port, '/', { headers: page }),
        ask(star.port, '/try', { headers: page }),
        ask(star.port, '/metrics', { headers: page }),
        ask(star.port, '/events', { headers: page }),
        ask(star.port, '/admin/peers', { headers: { ...page, authorization: `Bearer ${'x'.repeat(16)}` } }),
        ask(star.port, '/admin/drain', { method: 'POST', headers: origin }),
        ask(star.port, POLLING, { headers: page }),
        ask(star.port, POLLING, { method: 'POST', headers: origin }),
        ask(star.port, WEBSOCKET, { headers: { ...origin, ...UPGRADE } })
      ]
      for (const { status, body } of await Promise.all(attempts)) {
        expect(status).toBe(421)
        expect(body).toContain('--public-address')
      }
      expect(star.server.stats()).toMatchObject({ sessions: 0, refused: { host: 9 } })
      for (const own of [`127.0.0.1:${star.port}`, `localhost:${star.port}`, `[::1]:${star.port}`]) {
        expect((await ask(star.port, '/', { headers: { ...BROWSER, host: own } })).status).toBe(200)
      }
    }
  )

  test('is told apart from the server’s own pages behind a proxy, which join by GET and POST alike', async () => {
    for (const options of [{}, { trustProxy: ['loopback'] }, { publicAddresses: [STAR] }]) {
      const star = await openStar({ allowedOrigins: [APP], ...options })
      const headers = { ...BROWSER, host: 'star.example.com', 'x-forwarded-for': '203.0.113.7' }
      const origin = 'https://star.example.com'
      const { body, status } = await ask(star.port, POLLING, {
        headers: { ...headers, 'sec-fetch-site': 'same-origin' }
      })
      expect(status).toBe(200)
      const { sid } = JSON.parse(body.slice(1)) as { sid: string }
      const post = { method: 'POST', body: '40', headers: { ...headers, origin } }
      expect((await ask(star.port, `${POLLING}&sid=${sid}`, post)).status).toBe(200)
      expect((await ask(star.port, WEBSOCKET, { headers: { ...headers, origin, ...UPGRADE } })).status).toBe(101)
      expect((await ask(star.port, WEBSOCKET, { headers: { ...headers, origin: EVIL, ...UPGRADE } })).status).toBe(403)
    }
  })

  test('is not taken for it: a server behind a proxy that it was not told of serves its pages and its clients', async () => {
    const star = await openStar()
    const headers = { ...BROWSER, host: 'star.example.com', 'x-forwarded-for': '203.0.113.7' }
    expect((await ask(star.port, '/', { headers })).body).toContain('/dns4/star.example.com/')
    expect((await ask(star.port, '/metrics', { headers })).status).toBe(200)
    const origin = 'https://star.example.com'
    expect((await ask(star.port, WEBSOCKET, { headers: { ...headers, origin, ...UPGRADE } })).status).toBe(101)
  })
})

test('who writes the right Host header does not join under a name that is not the server’s', async () => {
  const star = await openStar({ publicAddresses: [STAR] })
  const sid = await openPolling(star.port)
  const headers = { host: 'star.example.com' }
  const { id, publicKeyHex } = await createIdentity()
  const address = `/dns4/evil.example/tcp/443/wss/p2p-websocket-star/p2p/${id}`
  const body = `40\x1e420${JSON.stringify(['ss-join', address, publicKeyHex])}`
  await ask(star.port, POLLING + sid, { method: 'POST', body, headers })
  let heard = ''
  while (!heard.includes('430[')) heard += (await ask(star.port, POLLING + sid, { headers })).body
  expect(heard).toContain(
    `430["This server is not known by that address: ${address.slice(0, address.indexOf('/p2p/'))}`
  )
  expect(star.server.stats()).toMatchObject({ peers: 0, refused: { 'public address': 1 } })
})

test('the demo is for its own pages: other sites of the same browser do not reach it', async () => {
  await using demo = new Command(['demo', '--port=0'])
  await demo.stdout.until('all that it says', (lines) => lines.includes('Ctrl-C stops it.'))
  const { port: digits, origin: own } = new URL(String(/http\S+/.exec(String(demo.stdout.items[0]))?.[0]))
  const port = Number(digits)
  const other = 'http://localhost:3000'
  expect((await ask(port, '/try', { headers: BROWSER })).status).toBe(200)
  expect((await ask(port, WEBSOCKET, { headers: { ...BROWSER, origin: own, ...UPGRADE } })).status).toBe(101)
  expect((await ask(port, WEBSOCKET, { headers: UPGRADE })).status).toBe(101)
  for (const origin of [EVIL, other, 'null']) {
    const headers = { ...BROWSER, origin }
    expect((await ask(port, WEBSOCKET, { headers: { ...headers, ...UPGRADE } })).status).toBe(403)
    expect((await ask(port, POLLING, { headers })).status).toBe(403)
    expect((await ask(port, '/events', { headers })).status).toBe(403)
    expect((await ask(port, '/admin/drain', { method: 'POST', headers })).status).toBe(403)
  }
  expect((await ask(port, '/try', { headers: { host: `evil.example:${port}` } })).status).toBe(421)
})
