import { describe, expect, test } from 'vitest'
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
    'https://star.example.com/path',
    'https://star.example.com/?query',
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
