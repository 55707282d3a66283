import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FRONT_PAGE_POLICY, frontPage, multiaddrForHost } from '../../src/http/front-page.js'

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

describe('the page', () => {
  const page = frontPage('/dns4/star.example.com/tcp/443/wss/p2p-websocket-star')

  test('shows the address for clients', () => {
    expect(page).toContain('<output>/dns4/star.example.com/tcp/443/wss/p2p-websocket-star</output>')
  })

  test('escapes what it is given', () => {
    const hostile = `<script>alert("it's")</script>&amp;`
    expect(frontPage(hostile)).not.toContain(hostile)
    expect(frontPage(hostile)).toContain('<output>&lt;script&gt;alert(&quot;')
    expect(frontPage(hostile)).toContain('&amp;amp;</output>')
  })

  test.each(['script', 'style'])('has one %s, and its policy lets in that one only', (kind) => {
    const contents = [...page.matchAll(new RegExp(`<${kind}[^>]*>(.*?)</${kind}>`, 'gs'))].map(([, content]) => content)
    expect(contents).toHaveLength(1)
    const hash = createHash('sha256').update(String(contents[0])).digest('base64')
    expect(FRONT_PAGE_POLICY.split('; ')).toContain(`${kind}-src 'sha256-${hash}'`)
  })

  test('asks for nothing but itself, and has no scripts in attributes', () => {
    expect(FRONT_PAGE_POLICY).toContain(`default-src 'none'`)
    expect(FRONT_PAGE_POLICY).not.toContain('unsafe')
    expect(page).not.toMatch(/\s(src|href|on\w+)=/)
  })
})
