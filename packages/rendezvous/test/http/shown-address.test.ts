import { describe, expect, test } from 'vitest'
import { multiaddrForHost } from '../../src/http/shown-address.js'

describe('the multiaddr for a Host header', () => {
  test.each([
    ['star.example.com', '/dns4/star.example.com/tcp/80/ws', '/dns4/star.example.com/tcp/443/wss'],
    ['star.example.com:9090', '/dns4/star.example.com/tcp/9090/ws', '/dns4/star.example.com/tcp/9090/wss'],
    ['localhost:80', '/dns4/localhost/tcp/80/ws', '/dns4/localhost/tcp/80/wss'],
    ['192.0.2.1', '/ip4/192.0.2.1/tcp/80/ws', '/ip4/192.0.2.1/tcp/443/wss'],
    ['192.0.2.1:9090', '/ip4/192.0.2.1/tcp/9090/ws', '/ip4/192.0.2.1/tcp/9090/wss'],
    ['[2001:db8::1]', '/ip6/2001:db8::1/tcp/80/ws', '/ip6/2001:db8::1/tcp/443/wss'],
    ['[::1]:9090', '/ip6/::1/tcp/9090/ws', '/ip6/::1/tcp/9090/wss']
  ])('%s', (host, plain, secure) => {
    expect(multiaddrForHost(host, false)).toBe(`${plain}/p2p-websocket-star`)
    expect(multiaddrForHost(host, true)).toBe(`${secure}/p2p-websocket-star`)
  })

  test.each([
    [undefined],
    [''],
    [':9090'],
    ['star.example.com:port'],
    ['star.example.com:65536'],
    ['star example com'],
    ['<script>alert(1)</script>'],
    ['[::1'],
    ['192.0.2.256'],
    ['a'.repeat(2000)]
  ])('there is none for %j', (host) => {
    expect(multiaddrForHost(host, false)).toBeUndefined()
  })

  test.each([
    'star.example.com/../x',
    'star.example.com/p2p/x',
    'star.example.com?x',
    'star.example.com#x',
    'user:word@star.example.com'
  ])('%j gives no more than its name', (host) => {
    expect(multiaddrForHost(host, false)).toBe('/dns4/star.example.com/tcp/80/ws/p2p-websocket-star')
  })
})
