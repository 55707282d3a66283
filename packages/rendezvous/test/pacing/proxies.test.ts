import type { IncomingMessage } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { InvalidOptionsError } from '../../src/options.js'
import { Proxies } from '../../src/pacing/proxies.js'

function requestFrom(remoteAddress: string | undefined, forwardedFor?: string): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage // all that is looked at
}

test.each<[string[], string, string, boolean]>([
  [[], '203.0.113.7', '203.0.113.7', false],
  [[], '::ffff:127.0.0.1', '127.0.0.1', true],
  [['203.0.113.0/24'], '::ffff:203.0.113.7', '203.0.113.7', true],
  [['1'], '203.0.113.7', '203.0.113.7', true],
  [[], '', 'unknown', false]
])('with %j trusted, the remote address of a connection from %s is %s, exempt: %s', (named, remote, ip, exempt) => {
  expect(new Proxies(named).socketRemote(remote)).toMatchObject({ ip, exempt })
})

describe('the address of a client', () => {
  test.each<[string[], string | undefined, string | undefined, string]>([
    [[], '203.0.113.7', undefined, '203.0.113.7'],
    [[], '::ffff:203.0.113.7', undefined, '203.0.113.7'],
    [[], '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    [['loopback'], '127.0.0.1', '198.51.100.1', '198.51.100.1'],
    [['loopback'], '::ffff:127.0.0.1', '198.51.100.1:1234', '198.51.100.1'],
    [['loopback'], '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    [['loopback'], '127.0.0.1', '192.0.2.9, 198.51.100.1', '198.51.100.1'],
    [['loopback', '198.51.100.0/24'], '::1', '192.0.2.9, 198.51.100.1', '192.0.2.9'],
    [['loopback'], '127.0.0.1', undefined, '127.0.0.1'],
    [['loopback'], '127.0.0.1', 'nonsense', 'unknown'],
    [['2001:db8::/32'], '2001:db8::1', '[2001:db8::2]:80, 192.0.2.1', '192.0.2.1'],
    [['1'], '203.0.113.7', '192.0.2.9, 198.51.100.1', '198.51.100.1'],
    [['2'], '203.0.113.7', '192.0.2.9, 198.51.100.1', '192.0.2.9'],
    [['2'], '203.0.113.7', '192.0.2.8, 192.0.2.9, 198.51.100.1', '192.0.2.9'],
    [['1'], '203.0.113.7', undefined, '203.0.113.7'],
    [['1', '198.51.100.1'], '203.0.113.7', '192.0.2.9, 198.51.100.1', '192.0.2.9'],
    [[], undefined, undefined, 'unknown']
  ])('with %j trusted, from %s, forwarded for %s, is %s', (named, remote, forwardedFor, ip) => {
    expect(new Proxies(named).remoteOf(requestFrom(remote, forwardedFor)).ip).toBe(ip)
  })

  test.each<[string[], string, string | undefined, boolean, string]>([
    [[], '127.0.0.1', undefined, true, 'loopback'],
    [[], '127.0.0.1', '198.51.100.1', true, 'global'],
    [[], '192.168.0.4', undefined, false, 'local'],
    [[], '100.64.3.4', undefined, false, 'local'],
    [[], 'fe80::1', undefined, false, 'local'],
    [[], '203.0.113.7', undefined, false, 'global'],
    [['loopback'], '127.0.0.1', '192.168.0.4', false, 'local'],
    [['loopback'], '127.0.0.1', '203.0.113.7', false, 'global'],
    [['loopback'], '127.0.0.1', '_hidden', false, 'global'],
    [['203.0.113.7'], '203.0.113.7', undefined, true, 'global'],
    // A number of proxies exempts no address, and a reported loopback address is not this machine's.
    [['1'], '203.0.113.7', undefined, false, 'global'],
    [['1'], '203.0.113.7', '127.0.0.1', false, 'local']
  ])(
    'with %j trusted, from %s, forwarded for %s: exempt %s, scope %s',
    (named, remote, forwardedFor, exempt, scope) => {
      expect(new Proxies(named).remoteOf(requestFrom(remote, forwardedFor))).toMatchObject({ exempt, scope })
    }
  )
})

describe('the place that a request asked for', () => {
  type Case = [named: string[], headers: Record<string, string>, host: string, secure: boolean | undefined]
  const [host, front] = ['backend:9090', 'star.example.com']

  test.each<Case>([
    [['loopback'], {}, host, undefined],
    [['loopback'], { 'x-forwarded-proto': 'https' }, host, true],
    [['loopback'], { 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': front }, front, true],
    [['loopback'], { 'x-forwarded-proto': 'wss', 'x-forwarded-host': `${front}:8443` }, `${front}:8443`, true],
    [['loopback'], { 'x-forwarded-proto': 'http', 'x-forwarded-host': front }, front, false],
    [['loopback'], { 'x-forwarded-host': front, 'x-forwarded-port': '8443' }, `${front}:8443`, undefined],
    [['loopback'], { 'x-forwarded-host': `${front}:1`, 'x-forwarded-port': '8443' }, `${front}:1`, undefined],
    [['loopback'], { 'x-forwarded-host': front, 'x-forwarded-port': 'x' }, front, undefined],
    [
      ['loopback'],
      { 'x-forwarded-host': '"[2001:db8::1]"', 'x-forwarded-port': '8443' },
      '[2001:db8::1]:8443',
      undefined
    ],
    // Clients wrote the first entries.
    [['loopback'], { 'x-forwarded-proto': 'http, https', 'x-forwarded-host': `evil.example, ${front}` }, front, true],
    [['loopback'], { forwarded: `for=203.0.113.7;proto=https;host=${front}` }, front, true],
    [
      ['loopback'],
      { forwarded: `for=198.51.100.1;proto=http, for=203.0.113.7;proto=https;host="${front}:8443"` },
      `${front}:8443`,
      true
    ],
    [['loopback'], { forwarded: 'for=;;"', 'x-forwarded-proto': 'https' }, host, true],
    // Two proxies in a row: the farther one is at the edge.
    [['2'], { 'x-forwarded-for': '203.0.113.7, 10.0.0.1', 'x-forwarded-proto': 'https, http' }, host, true],
    [['2'], { 'x-forwarded-for': '203.0.113.7, 10.0.0.1', 'x-forwarded-proto': 'https' }, host, true],
    [['10.0.0.1'], { 'x-forwarded-proto': 'https', 'x-forwarded-host': front }, host, undefined]
  ])('with %j trusted, %j: %s, secure: %s', (named, headers, expected, secure) => {
    const request = {
      headers: { host, ...headers },
      socket: { remoteAddress: '127.0.0.1' }
    } as unknown as IncomingMessage // all that is looked at
    expect(new Proxies(named).requestedAt(request)).toEqual({ host: expected, secure })
  })
})

test('an untrusted proxy is reported once', () => {
  const warn = vi.fn<(...args: unknown[]) => void>()
  const proxies = new Proxies(['loopback'], { warn })
  proxies.remoteOf(requestFrom('127.0.0.1', '198.51.100.1'))
  proxies.remoteOf(requestFrom('203.0.113.7'))
  expect(warn).not.toHaveBeenCalled()
  for (let request = 0; request < 3; request++) proxies.remoteOf(requestFrom('203.0.113.7', '198.51.100.1'))
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    { proxy: '203.0.113.7' },
    expect.stringContaining('--trust-proxy 203.0.113.7')
  )
})

test.each(['0', '17', '999999999999', 'next', '10.0.0.0/40', '1.2.3'])('%s is not a valid proxy', (proxy) => {
  expect(() => new Proxies([proxy])).toThrow(InvalidOptionsError)
})
