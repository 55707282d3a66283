import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { Origins } from '../../src/names/origins.js'
import { OwnNames } from '../../src/names/own-names.js'
import { Proxies } from '../../src/pacing/proxies.js'

const APP = 'https://app.example'
const names = new OwnNames(['/dns4/star.example.com/wss/p2p-websocket-star'])

const nameless = new OwnNames([])

/** @param from - address of the client, or of the proxy */
function admits(
  listed: string[],
  headers: Record<string, string>,
  from = '198.51.100.1',
  own: OwnNames = names,
  trustProxy: string[] = []
): boolean {
  // All that is looked at.
  const request = { headers, socket: { remoteAddress: from } } as unknown as IncomingMessage
  return new Origins(listed, own, new Proxies(trustProxy)).admits(request)
}

test.each([undefined, APP, 'null', 'https://evil.example'])('if none is listed, %s may connect', (origin) => {
  expect(admits([], { host: 'x', ...(origin && { origin }) })).toBe(true)
})

describe('if some are listed', () => {
  test.each<[string, Record<string, string>, boolean]>([
    ['one of them', { origin: APP }, true],
    ['another', { origin: 'https://evil.example' }, false],
    ['another scheme', { origin: 'http://app.example' }, false],
    ['a hidden one', { origin: 'null' }, false],
    ['a name that begins like it', { origin: 'https://app.example.evil.example' }, false],
    ['none', {}, true],
    ['none, from a page of the server', { 'sec-fetch-site': 'same-origin' }, true],
    ['none, typed by a user', { 'sec-fetch-site': 'none' }, true],
    ['none, from a page elsewhere', { 'sec-fetch-site': 'cross-site' }, false],
    ['none, from another port of this machine', { 'sec-fetch-site': 'same-site' }, false],
    ['its own, at loopback', { origin: 'http://127.0.0.1:9090', host: '127.0.0.1:9090' }, true],
    ['its own, by name', { origin: 'http://localhost:9090', host: 'localhost:9090' }, true],
    ['its own, at the default port', { origin: 'https://192.0.2.1', host: '192.0.2.1' }, true],
    [
      'its own, behind a proxy that names another host',
      { origin: 'https://star.example.com', host: 'backend:9090' },
      true
    ],
    ['another port of this machine', { origin: 'http://127.0.0.1:3000', host: '127.0.0.1:9090' }, false],
    ['a name that was made to lead here', { origin: 'http://evil.example:9090', host: 'evil.example:9090' }, false],
    ['its own, but no host', { origin: 'http://127.0.0.1:9090' }, false]
  ])('%s', (_, headers, expected) => {
    expect(admits([APP], headers)).toBe(expected)
  })

  test("self stands for the server's own pages only", () => {
    expect(admits(['self'], { origin: 'http://127.0.0.1:9090', host: '127.0.0.1:9090' })).toBe(true)
    expect(admits(['self'], { origin: APP, host: '127.0.0.1:9090' })).toBe(false)
    expect(admits(['self'], { origin: 'self', host: '127.0.0.1:9090' })).toBe(false)
    expect(admits(['self', APP], { origin: APP, host: '127.0.0.1:9090' })).toBe(true)
    expect(new Origins(['self'], names, new Proxies([]))).toMatchObject({ isOwnOnly: true, isOpen: false })
  })
})

describe('the pages of a server that was not told its name', () => {
  const page = { origin: 'https://star.example.com', host: 'star.example.com' }

  test('join from far away, and through a proxy', () => {
    expect(admits([APP], page, '198.51.100.1', nameless)).toBe(true)
    expect(admits([APP], { ...page, 'x-forwarded-for': '192.168.0.7' }, '127.0.0.1', nameless)).toBe(true)
    const forwarded = { origin: page.origin, host: 'backend:9090', 'x-forwarded-host': 'star.example.com' }
    expect(admits([APP], forwarded, '127.0.0.1', nameless, ['loopback'])).toBe(true)
    expect(admits([APP], forwarded, '127.0.0.1', nameless)).toBe(false)
  })

  test('join under a name of the local network', () => {
    expect(admits([APP], { origin: 'http://star.lan:9090', host: 'star.lan:9090' }, '192.168.0.7', nameless)).toBe(true)
  })

  test('may have been made by somebody else if they come from the local network under a name that anybody could register', () => {
    expect(admits([APP], { origin: 'http://evil.example', host: 'evil.example' }, '192.168.0.7', nameless)).toBe(false)
  })
})

test.each<Record<string, string>>([{}, { origin: 'https://star.example.com:8443' }])(
  'a browser is believed about the same origin: %j',
  (headers) => {
    expect(admits([APP], { ...headers, host: 'star.example.com', 'sec-fetch-site': 'same-origin' })).toBe(true)
  }
)
