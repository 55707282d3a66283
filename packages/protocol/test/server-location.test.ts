import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../src/address.js'
import { isSameServer, locationOf, locationOfHost } from '../src/server-location.js'
import { anything, damagedAddress, peerId, starAddress } from './arbitraries.js'

const STAR = '/p2p-websocket-star'
const ID = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'

describe('the place of an address', () => {
  test.each([
    '/dns4/star.example.com/wss',
    '/dns4/star.example.com/tcp/443/wss',
    '/dns6/star.example.com/tcp/443/wss',
    '/dns/star.example.com/wss',
    '/dnsaddr/star.example.com/tcp/443/wss',
    '/dns4/STAR.Example.com/wss',
    '/dns4/star.example.com./wss',
    '/dns4/star.example.com/tcp/443/tls/ws',
    '/dns4/star.example.com/tls/ws',
    '/dns4/star.example.com/tcp/443/tls/sni/star.example.com/ws',
    '/dns4/edge.example.net/tcp/443/tls/sni/star.example.com/ws',
    '/ip4/192.0.2.1/tcp/443/tls/sni/Star.example.com/ws'
  ])('%s is that of the usual form', (server) => {
    expect(locationOf(`${server}${STAR}`)).toEqual({ host: 'star.example.com', port: 443, secure: true })
    expect(locationOf(parseAddress(`${server}${STAR}/ipfs/${ID}`))).toEqual(locationOf(`${server}${STAR}`))
  })

  test.each([
    ['/dns4/star.example.com/ws', { host: 'star.example.com', port: 80, secure: false }],
    ['/dns4/star.example.com/tcp/9090/ws', { host: 'star.example.com', port: 9090, secure: false }],
    ['/dns4/star.example.com/tcp/80/wss', { host: 'star.example.com', port: 80, secure: true }],
    ['/ip4/127.0.0.1/tcp/9090/ws', { host: '127.0.0.1', port: 9090, secure: false }],
    ['/ip6/0:0:0:0:0:0:0:1/tcp/9090/ws', { host: '::1', port: 9090, secure: false }],
    ['/ip6/2001:DB8::0001/tcp/9090/ws', { host: '2001:db8::1', port: 9090, secure: false }],
    ['/ip6/::ffff:192.0.2.1/tcp/9090/ws', { host: '192.0.2.1', port: 9090, secure: false }],
    ['/ip6/::ffff:c000:201/tcp/9090/ws', { host: '192.0.2.1', port: 9090, secure: false }],
    ['/dns4/192.0.2.1/tcp/9090/ws', { host: '192.0.2.1', port: 9090, secure: false }]
  ])('%s', (server, place) => {
    expect(locationOf(`${server}${STAR}`)).toEqual(place)
  })

  test.each([
    '/ip4/192.0.2.1/ws/p2p-websocket-star',
    '/dns4/a.example/udp/9/ws/p2p-websocket-star',
    '/dns4/a.example/tcp/9/ws',
    '/dns4/./tcp/9/ws/p2p-websocket-star',
    '/dns4/a@b/tcp/9/ws/p2p-websocket-star',
    'star.example.com',
    ''
  ])('there is none of %j', (text) => {
    expect(locationOf(text)).toBeUndefined()
    expect(isSameServer(text, text)).toBe(false)
  })

  test.each([
    ['another name', '/dns4/evil.example/wss'],
    ['a name below', '/dns4/a.star.example.com/wss'],
    ['a name with two dots at its end', '/dns4/star.example.com../wss'],
    ['another port', '/dns4/star.example.com/tcp/444/wss'],
    ['an unencrypted connection', '/dns4/star.example.com/tcp/443/ws'],
    ['an address', '/ip4/192.0.2.1/tcp/443/wss'],
    ['a certificate of another name', '/dns4/star.example.com/tls/sni/evil.example/ws']
  ])('%s is another place', (_, server) => {
    expect(isSameServer(`/dns4/star.example.com/wss${STAR}`, `${server}${STAR}`)).toBe(false)
  })

  test('nothing that a stranger sends makes it throw', () => {
    fc.assert(fc.property(anything, (text) => void locationOf(text as string)))
    fc.assert(fc.property(damagedAddress, (text) => void locationOf(text)))
    fc.assert(fc.property(fc.string(), fc.boolean(), (text, secure) => void locationOfHost(text, secure)))
  })

  test('is the same in every spelling', () => {
    const kinds = fc.constantFrom('dns', 'dns4', 'dns6', 'dnsaddr')
    const spelling = fc.record({
      kind: kinds,
      capitals: fc.boolean(),
      dot: fc.boolean(),
      port: fc.boolean(),
      tls: fc.boolean()
    })
    const written = (
      name: string,
      secure: boolean,
      how: { kind: string; capitals: boolean; dot: boolean; port: boolean; tls: boolean }
    ) => {
      const host = (how.capitals ? name.toUpperCase() : name) + (how.dot ? '.' : '')
      const transport = secure ? (how.tls ? '/tls/ws' : '/wss') : '/ws'
      return `/${how.kind}/${host}${how.port ? `/tcp/${secure ? 443 : 80}` : ''}${transport}${STAR}`
    }
    fc.assert(
      fc.property(fc.domain(), fc.boolean(), spelling, spelling, peerId, (name, secure, one, other, id) => {
        expect(isSameServer(written(name, secure, one), `${written(name, secure, other)}/p2p/${id}`)).toBe(true)
        expect(isSameServer(written(name, secure, one), written(name, !secure, other))).toBe(false)
        expect(isSameServer(written(name, secure, one), written(`x.${name}`, secure, other))).toBe(false)
      })
    )
  })

  test('is one for an IPv6 address however it is written', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, (numbers) => {
        const long = numbers.map((number) => number.toString(16).padStart(4, '0').toUpperCase()).join(':')
        const short = numbers.map((number) => number.toString(16)).join(':')
        const [one, other] = [long, short].map((ip) => `/ip6/${ip}/tcp/1/ws${STAR}`)
        expect(isSameServer(String(one), String(other))).toBe(true)
      })
    )
  })

  test('is an equivalence among addresses of real clients', () => {
    fc.assert(
      fc.property(starAddress, starAddress, (one, other) => {
        expect(isSameServer(one, other)).toBe(isSameServer(other, one))
        expect(isSameServer(one, one)).toBe(locationOf(one) !== undefined)
      })
    )
  })
})

describe('the place of a Host header', () => {
  test.each([
    ['star.example.com', false, { host: 'star.example.com', port: 80, secure: false }],
    ['Star.Example.com.', true, { host: 'star.example.com', port: 443, secure: true }],
    ['star.example.com:443', false, { host: 'star.example.com', port: 443, secure: false }],
    ['127.0.0.1:9090', false, { host: '127.0.0.1', port: 9090, secure: false }],
    ['[::1]:9090', false, { host: '::1', port: 9090, secure: false }],
    ['[::ffff:127.0.0.1]', false, { host: '127.0.0.1', port: 80, secure: false }],
    ['2130706433', false, { host: '127.0.0.1', port: 80, secure: false }]
  ])('%s', (text, secure, place) => {
    expect(locationOfHost(text, secure)).toEqual(place)
  })

  test.each([
    '',
    'a b',
    'a/b',
    'a@b',
    'a?b',
    'a#b',
    'a:99999',
    '[::1',
    '::1',
    'a,b',
    '.',
    'a\tb',
    'a..',
    '127.0.0.1..'
  ])('there is none of %j', (text) => {
    expect(locationOfHost(text, false)).toBeUndefined()
  })
})
