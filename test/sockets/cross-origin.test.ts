import { PollingWire, RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { openStar } from '../support/raw-star.js'

const origin = 'https://app.example'

test('polling answers a page of another origin as the old server did', async () => {
  const star = await openStar()
  const peer = await star.join({ transport: 'polling', origin })
  const { headers } = peer.wire as PollingWire
  expect(headers.get('access-control-allow-origin')).toBe(origin)
  expect(headers.get('access-control-allow-credentials')).toBe('true')
})

test('a preflight is answered, and opens no session', async () => {
  const star = await openStar()
  const response = await fetch(new URL('/socket.io/?EIO=3&transport=polling', star.url), {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type'
    }
  })
  expect(response.ok).toBe(true)
  expect(response.headers.get('access-control-allow-origin')).toBe(origin)
  expect(response.headers.get('access-control-allow-credentials')).toBe('true')
  expect(response.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type')
  expect(response.headers.get('access-control-allow-methods')).toContain('POST')
  expect(star.server.stats().sessions).toBe(0)
})

test('a WebSocket of another origin joins', async () => {
  const star = await openStar()
  const peer = await star.join({ origin })
  expect(peer.isClosed).toBe(false)
})

test('with an allow-list only its origins connect, and peers without one', async () => {
  const star = await openStar({ allowedOrigins: [origin] })
  await star.join({ origin })
  await star.join()
  const polling = await star.join({ origin, transport: 'polling' })
  expect((polling.wire as PollingWire).headers.get('access-control-allow-origin')).toBe(origin)

  const strangers = [
    new RawPeer(star.url, { origin: 'https://other.example' }),
    new RawPeer(star.url, { origin: 'https://other.example', transport: 'polling' })
  ]
  await Promise.all(strangers.map(async (peer) => await peer.closed))
  expect(strangers.flatMap((peer) => peer.frames)).toEqual([])
  expect(star.server.stats().refused.origin).toBe(2)
  expect(star.server.stats().sessions).toBe(3)
})

test('a page of another origin can read why it is refused a WebSocket, and nothing else', async () => {
  const star = await openStar({ allowedOrigins: [origin] })
  const ask = (query: string) =>
    fetch(`${star.url}/socket.io/?EIO=4&${query}`, { headers: { origin: 'https://other.example' } })
  const reason = await ask('transport=websocket')
  expect([reason.status, reason.headers.get('access-control-allow-origin')]).toEqual([403, 'https://other.example'])
  expect(await reason.text()).toContain('--allowed-origin https://other.example')
  for (const query of ['transport=polling', 'transport=websocket&sid=x']) {
    expect((await ask(query)).headers.get('access-control-allow-origin')).toBeNull()
  }
  expect(star.server.stats().sessions).toBe(0)
})

test('asking why a WebSocket would be refused opens no session', async () => {
  const star = await openStar()
  const response = await fetch(`${star.url}/socket.io/?EIO=4&transport=websocket`, { headers: { origin } })
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([400, origin])
  expect(star.server.stats().sessions).toBe(0)
})
