import { parseAddress } from '@websocket-star/protocol'
import { describe, expect, test } from 'vitest'
import { OwnNames } from '../../src/names/own-names.js'
import { InvalidOptionsError } from '../../src/options.js'
import type { AddressScope } from '../../src/pacing/address-scope.js'

const PUBLIC = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
const PORT = 9090

/** Returns the names of a server with two interfaces and a certificate for one name and all below another. */
function ownNames(publicAddresses: string[] = [PUBLIC], certified: string[] = []): OwnNames {
  const interfaces = new Set(['127.0.0.1', '::1', '192.168.1.5', '203.0.113.9', '2001:db8::9', 'fe80::9'])
  const certificate =
    certified.length === 0
      ? undefined
      : { validTo: '', names: certified, covers: (host: string) => certified.includes(host) }
  const names = new OwnNames(publicAddresses, certificate, interfaces)
  names.listensOn(PORT)
  return names
}

function leadsHere(names: OwnNames, server: string, scope: AddressScope = 'global'): boolean {
  return names.leadsHere(parseAddress(`${server}/p2p-websocket-star`), scope)
}

describe('an address leads here', () => {
  test.each(['/dns4/star.example.com/wss', '/dns6/STAR.example.com./tcp/443/tls/ws'])(
    'if it is the public one in another spelling: %s',
    (server) => {
      expect(leadsHere(ownNames(), server)).toBe(true)
    }
  )

  test('if it is a public one without a server', () => {
    const odd = '/ip4/192.0.2.1/udp/9/p2p-websocket-star'
    expect(ownNames([odd]).leadsHere(parseAddress(odd), 'global')).toBe(true)
  })

  test.each<[string, AddressScope, boolean]>([
    ['/ip4/203.0.113.9/tcp/9090/ws', 'global', true],
    ['/ip4/203.0.113.9/tcp/9091/ws', 'global', false],
    ['/ip6/2001:db8::9/tcp/9090/ws', 'global', true],
    ['/ip6/2001:db8::a/tcp/9090/ws', 'global', false],
    ['/ip4/192.168.1.5/tcp/9090/ws', 'local', true],
    ['/ip4/192.168.1.5/tcp/9090/ws', 'loopback', true],
    ['/ip4/192.168.1.6/tcp/9090/ws', 'local', false],
    ['/ip6/fe80::9/tcp/9090/ws', 'local', true],
    ['/ip4/127.0.0.1/tcp/9090/ws', 'loopback', true],
    ['/dns4/localhost/tcp/9090/ws', 'loopback', true],
    ['/dns4/star.localhost/tcp/9090/ws', 'loopback', true],
    ['/ip4/127.0.0.1/tcp/9091/ws', 'loopback', false],
    // A remote client's network may have a machine with the same address.
    ['/ip4/192.168.1.5/tcp/9090/ws', 'global', false],
    ['/ip4/127.0.0.1/tcp/9090/ws', 'local', false],
    ['/dns4/localhost/tcp/9090/ws', 'global', false]
  ])('%s, from %s: %s', (server, scope, expected) => {
    expect(leadsHere(ownNames(), server, scope)).toBe(expected)
  })

  test('if its name is in the certificate, at any port, but encrypted', () => {
    const names = ownNames([], ['star.example.com', 'localhost'])
    expect(leadsHere(names, '/dns4/star.example.com/wss')).toBe(true)
    expect(leadsHere(names, '/dns4/star.example.com/tcp/8443/tls/ws')).toBe(true)
    expect(leadsHere(names, '/dns4/star.example.com/tcp/443/ws')).toBe(false)
    expect(leadsHere(names, '/dns4/other.example.com/wss')).toBe(false)
    expect(leadsHere(names, '/dns4/localhost/tcp/9090/wss')).toBe(false)
  })

  test('never if it has no part for the peers of a star', () => {
    expect(ownNames().leadsHere(parseAddress('/ip4/203.0.113.9/tcp/9090/ws'), 'global')).toBe(false)
  })

  test('before the port is known, only if it is a public one', () => {
    const names = new OwnNames([PUBLIC], undefined, new Set(['203.0.113.9']))
    expect(leadsHere(names, '/ip4/203.0.113.9/tcp/9090/ws')).toBe(false)
    expect(leadsHere(names, '/dns4/star.example.com/wss')).toBe(true)
  })
})

test('its names are those of its operator and its certificate', () => {
  expect(ownNames([]).isEmpty).toBe(true)
  expect(ownNames().list).toEqual([PUBLIC])
  expect(ownNames([PUBLIC], ['a.example']).list).toEqual([PUBLIC, 'a.example'])
  expect(ownNames([], ['a.example']).isEmpty).toBe(false)
})

test.each([
  ['star.example.com', true],
  ['a.example', true],
  ['localhost', true],
  ['127.9.9.9', true],
  ['203.0.113.77', true],
  ['2001:db8::77', true],
  ['evil.example', false],
  ['star.example.com.evil.example', false],
  ['intranet', false]
])('pages under %s are its own: %s', (host, expected) => {
  expect(ownNames([PUBLIC], ['a.example']).isTrustedHost(host)).toBe(expected)
})

test.each(['here', '/dns4/a.example/wss', ''])('%j is not a valid public address', (text) => {
  expect(() => new OwnNames([text])).toThrow(InvalidOptionsError)
})
