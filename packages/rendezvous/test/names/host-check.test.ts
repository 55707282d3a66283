import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { HostCheck } from '../../src/names/host-check.js'
import { OwnNames } from '../../src/names/own-names.js'
import { Proxies } from '../../src/pacing/proxies.js'

const PORT = 9090
const BROWSER = { 'accept-language': 'en' }

interface Sent {
  host?: string
  url?: string
  from?: string
  headers?: Record<string, string>
}

interface Mode {
  publicAddresses?: string[]
  isStrict?: boolean
  trusted?: string[]
}

function isRefused({ host, url = '/', from = '127.0.0.1', headers = BROWSER }: Sent, mode: Mode = {}): boolean {
  const { publicAddresses = [], isStrict = false, trusted = [] } = mode
  const check = new HostCheck({
    names: new OwnNames(publicAddresses),
    proxies: new Proxies(trusted),
    secure: false,
    isStrict
  })
  const request = {
    url,
    headers: { ...headers, ...(host !== undefined && { host }) },
    socket: { remoteAddress: from, localPort: PORT }
  }
  return check.refuses(request as unknown as IncomingMessage) // all that is looked at
}

const NAMED: Mode = { publicAddresses: ['/dns4/star.example.com/wss/p2p-websocket-star'] }
const STRICT: Mode = { isStrict: true }
const modes: [string, Mode][] = [
  ['a server without known names', {}],
  ['a server with known names', NAMED],
  ['a server for its own pages', STRICT]
]

describe.each(modes)('%s', (_, mode) => {
  test.each([
    '127.0.0.1:9090',
    'localhost:9090',
    'LOCALHOST.:9090',
    '[::1]:9090',
    '192.168.1.5:9090',
    '203.0.113.9',
    undefined
  ])('is asked under %s', (host) => {
    expect(isRefused({ ...(host && { host }) }, mode)).toBe(false)
  })

  test.each([
    'evil.example:9090',
    'EVIL.example.:9090',
    '127.0.0.1.evil.example:9090',
    'localhost.evil.example:9090',
    'star.example.com.evil.example:9090'
  ])('is not asked by a page under %s', (host) => {
    expect(isRefused({ host }, mode)).toBe(true)
    expect(isRefused({ host, from: '192.168.1.7' }, mode)).toBe(true)
    expect(isRefused({ host, url: '/socket.io/?EIO=4&transport=polling' }, mode)).toBe(true)
    const headers = { ...BROWSER, origin: `http://${host.toLowerCase().replace('.:', ':')}` }
    expect(isRefused({ host, url: '/socket.io/?EIO=4&transport=websocket', headers }, mode)).toBe(true)
  })
})

describe('a server with known names', () => {
  test.each<[string, Sent, boolean]>([
    ['that name', { host: 'star.example.com' }, false],
    ['that name at a port of the proxy', { host: 'star.example.com:8443' }, false],
    ['another name, from far away', { host: 'other.example', from: '203.0.113.7' }, true],
    ['another name, by a program', { host: 'other.example', headers: {} }, true],
    ['a name of the local network', { host: 'star-1.prod.internal:9090', headers: {} }, false],
    ['a name without a dot', { host: 'backend' }, false],
    ['what is no name', { host: 'a b' }, true],
    ['another name, for the metrics', { host: 'node-1.corp.example:9090', url: '/metrics', headers: {} }, false],
    ['another name, for the metrics, by a page', { host: 'evil.example:9090', url: '/metrics' }, true],
    ['another name, for its health', { host: 'other.example', url: '/health', headers: {} }, false],
    // The join is refused, with both names in the error.
    ['another name, by a client', { host: 'other.example', url: '/socket.io/?EIO=3', headers: {} }, false],
    [
      'another name, by a page elsewhere',
      { host: 'other.example', url: '/socket.io/?EIO=3', headers: { ...BROWSER, origin: 'https://app.example' } },
      false
    ]
  ])('is asked under %s', (_, sent, expected) => {
    expect(isRefused(sent, NAMED)).toBe(expected)
  })

  test('accepts any name from a trusted proxy', () => {
    expect(isRefused({ host: 'upstream.example:9090' }, { ...NAMED, trusted: ['loopback'] })).toBe(false)
    expect(isRefused({ host: 'upstream.example:9090', from: '203.0.113.7' }, { ...NAMED, trusted: ['loopback'] })).toBe(
      true
    )
  })
})

describe('a server without known names', () => {
  test.each<[string, Sent]>([
    ['a proxy that passes on the name', { host: 'star.example.com' }],
    ['a proxy that passes on name and port', { host: 'star.example.com:443' }],
    ['a client far away', { host: 'star.example.com:9090', from: '203.0.113.7' }],
    ['a program', { host: 'nas.home.example:9090', headers: {} }],
    ['a browser of the local network', { host: 'nas.lan:9090', from: '192.168.1.7' }],
    ['a browser of a test', { host: 'star.test:9090' }],
    [
      'a page of another origin',
      {
        host: 'star.example.com:9090',
        url: '/socket.io/?EIO=4',
        headers: { ...BROWSER, origin: 'https://app.example' }
      }
    ]
  ])('is asked by %s', (_, sent) => {
    expect(isRefused(sent)).toBe(false)
  })
})

test('a server for its own pages accepts no other name from anyone', () => {
  for (const headers of [{}, BROWSER]) {
    for (const host of ['evil.example', 'nas.lan:9090', 'backend:9090', 'a b']) {
      expect(isRefused({ host, headers, from: '203.0.113.7', url: '/health' }, STRICT)).toBe(true)
    }
  }
})
