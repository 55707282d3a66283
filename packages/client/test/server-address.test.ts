import { InvalidOptionsError } from '@websocket-star/protocol'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseServer } from '../src/server-address.js'

const SELF = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const OTHER = 'QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'

describe('a server', () => {
  test.each([
    ['https://star.example.com', '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'],
    ['https://star.example.com:8443/', '/dns4/star.example.com/tcp/8443/wss/p2p-websocket-star'],
    ['http://star.example.com', '/dns4/star.example.com/tcp/80/ws/p2p-websocket-star'],
    ['wss://star.example.com', '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'],
    ['ws://localhost:9090', '/dns4/localhost/tcp/9090/ws/p2p-websocket-star'],
    ['http://127.0.0.1:9090', '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'],
    ['http://[::1]:9090', '/ip6/::1/tcp/9090/ws/p2p-websocket-star']
  ])('by URL: %s', (url, prefix) => {
    const server = parseServer(url, SELF)
    expect(server.prefix).toBe(prefix)
    expect(new URL(server.url).host).toBe(new URL(url.replace(/^ws/, 'http')).host)
  })

  test.each([
    ['/dns4/star.example.com/tcp/443/wss/p2p-websocket-star', 'https://star.example.com'],
    ['/dns4/star.example.com/wss/p2p-websocket-star', 'https://star.example.com'],
    ['/dns4/star.example.com/tcp/443/tls/ws/p2p-websocket-star', 'https://star.example.com'],
    ['/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star', 'http://127.0.0.1:9090'],
    [`/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/p2p/${SELF}`, 'http://127.0.0.1:9090'],
    [`/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/ipfs/${SELF}`, 'http://127.0.0.1:9090']
  ])('by multiaddr: %s', (multiaddr, url) => {
    expect(parseServer(multiaddr, SELF).url).toBe(url)
    expect(multiaddr).toContain(parseServer(multiaddr, SELF).prefix)
  })
})

describe('the URL of a server', () => {
  test.each([
    ['https://star.example.com/star', 'https://star.example.com/star'],
    ['https://star.example.com/a/b%20c/', 'https://star.example.com/a/b%20c'],
    ['ws://127.0.0.1:9090//', 'http://127.0.0.1:9090']
  ])('has the mount point as its path: %s', (text, url) => {
    const server = parseServer(text, SELF)
    expect(server.url).toBe(url)
    expect(server.prefix).toMatch(/^\/(?:dns4|ip4)\/[^/]+\/tcp\/\d+\/wss?\/p2p-websocket-star$/)
  })

  test.each([
    ['https://user:secret@star.example.com', 'user:secret'],
    ['https://user@star.example.com', 'user:'],
    ['https://:secret@star.example.com', ':secret'],
    ['https://us%40er:s%C3%BC%20%@star.example.com/star', 'us@er:sü %']
  ])('has credentials: %s', (text, credentials) => {
    const { url, authorization } = parseServer(text, SELF)
    expect(url).toMatch(/^https:\/\/star\.example\.com(?:\/star)?$/)
    expect(authorization).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`)
  })

  test.each([
    'https://user:secret@star.example.com/#fragment',
    'https://star.example.com/?token=secret',
    'https://user:secret@star.example.com:99999',
    'ftp://user:secret@star.example.com',
    'https://user:secret@under_score!'
  ])('does not show what is secret in errors: %s', (text) => {
    expect(() => parseServer(text, SELF)).toThrow(InvalidOptionsError)
    expect(() => parseServer(text, SELF)).not.toThrow(/secret/)
  })

  test('must not have credentials in a browser', () => {
    vi.stubGlobal('document', {})
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(() => parseServer('https://user:secret@star.example.com', SELF)).toThrow(/browsers do not send/)
  })
})

describe('what is no server is refused, and what to write instead is said', () => {
  test.each([
    '',
    'star.example.com',
    '/',
    '/dns4/star.example.com',
    '/dns4/star.example.com/tcp/443/wss',
    '/ip4/127.0.0.1/ws/p2p-websocket-star',
    `/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/p2p/${OTHER}`,
    `/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star/p2p/${SELF}/p2p-circuit`,
    'ftp://star.example.com',
    'https://star.example.com/?query',
    'https://star.example.com/#fragment',
    'https://star.example.com/star?',
    'https://star.example.com#',
    'https://'
  ])('%j', (text) => {
    let error: unknown
    try {
      parseServer(text, SELF)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ name: 'InvalidOptionsError', code: 'ERR_INVALID_OPTIONS' })
    expect(String(error)).toMatch(/servers: /)
  })
})
