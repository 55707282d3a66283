import * as fc from 'fast-check'
import { isIP } from 'node:net'
import { describe, expect, test } from 'vitest'
import { forwardedAddresses, ipOf } from '../../src/pacing/forwarded.js'

describe('X-Forwarded-For', () => {
  test.each([
    ['203.0.113.7', ['203.0.113.7']],
    ['203.0.113.7, 198.51.100.2', ['198.51.100.2', '203.0.113.7']],
    ['  203.0.113.7 ,198.51.100.2  ', ['198.51.100.2', '203.0.113.7']],
    ['203.0.113.7:51234', ['203.0.113.7']],
    ['[2001:DB8::0001]:443', ['2001:db8::1']],
    ['[2001:db8::1]', ['2001:db8::1']],
    ['2001:db8:0:0::1', ['2001:db8::1']],
    ['"[2001:db8::1]:443"', ['2001:db8::1']],
    ['::ffff:203.0.113.7', ['203.0.113.7']],
    ['[::ffff:cb00:7107]:80', ['203.0.113.7']],
    ['fe80::1%eth0', ['fe80::1']],
    ['unknown', ['unknown']],
    ['_hidden', ['_hidden']],
    ['evil.example, 203.0.113.7', ['203.0.113.7', 'unknown']],
    ['127.1', ['unknown']],
    ['999.1.1.1', ['unknown']],
    [',, ,', []],
    ['', []]
  ])('%s', (header, addresses) => {
    expect(forwardedAddresses({ 'x-forwarded-for': header })).toEqual(addresses)
  })

  test('is read if both headers are present', () => {
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=198.51.100.2' }
    expect(forwardedAddresses(headers)).toEqual(['203.0.113.7'])
  })

  test('may be several headers', () => {
    expect(forwardedAddresses({ 'x-forwarded-for': ['203.0.113.7', '198.51.100.2, 192.0.2.1'] as never })).toEqual([
      '192.0.2.1',
      '198.51.100.2',
      '203.0.113.7'
    ])
  })

  test('of any length yields a limited number of addresses', () => {
    const header = `${'127.0.0.1,'.repeat(1_500)}203.0.113.7`
    const addresses = forwardedAddresses({ 'x-forwarded-for': header })
    expect(addresses).toHaveLength(32)
    expect(addresses[0]).toBe('203.0.113.7')
  })
})

describe('Forwarded', () => {
  test.each([
    ['for=203.0.113.7', ['203.0.113.7']],
    ['For="203.0.113.7:443";proto=https;by=198.51.100.9', ['203.0.113.7']],
    ['for="[2001:db8:cafe::17]:4711"', ['2001:db8:cafe::17']],
    ['for=192.0.2.43, for="[2001:db8:cafe::17]"', ['2001:db8:cafe::17', '192.0.2.43']],
    ['for=unknown', ['unknown']],
    ['for=_hidden, for=_SEVKISEK', ['_SEVKISEK', '_hidden']],
    ['for="_gazonk:1234"', ['unknown']],
    ['by=203.0.113.43, proto=http;for=192.0.2.60', ['192.0.2.60', 'unknown']],
    ['for="192.0.2.1\\:80"', ['192.0.2.1']],
    ['for="a, for=203.0.113.7"', ['unknown']],
    ['for=192.0.2.1 , , for=192.0.2.2', ['192.0.2.2', '192.0.2.1']],
    ['', []],
    // The client's open quote swallows what the proxy wrote.
    ['for=", for=203.0.113.7', ['unknown']],
    ['for==, for=203.0.113.7', ['203.0.113.7', 'unknown']],
    ['for=a b', ['unknown']],
    ['  for=192.0.2.1 ; by=x\t,  ; , \tfor=192.0.2.2 ', ['192.0.2.2', '192.0.2.1']],
    [`for=192.0.2.1,${' '.repeat(4_000)}"`, ['unknown']]
  ])('%s', (header, addresses) => {
    expect(forwardedAddresses({ forwarded: header })).toEqual(addresses)
  })

  test('any value yields addresses, identifiers or unknown', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('for=', '"', ',', ';', '[', ']', '::1', '1.2.3.4', ':80', '\\', ' ', '_x', 'by='))
        .map((parts) => parts.join(''))
    )
    fc.assert(
      fc.property(text, fc.constantFrom('forwarded', 'x-forwarded-for'), (value, name) => {
        for (const address of forwardedAddresses({ [name]: value })) {
          expect(isIP(address) !== 0 || address === 'unknown' || /^_[\w.-]+$/.test(address)).toBe(true)
        }
      })
    )
  })
})

test('an IP address has one canonical form', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), (ip, long) => {
      expect([ipOf(ip), ipOf(`::ffff:${ip}`)]).toEqual([ip, ip])
      expect(ipOf(long)).toBe(ipOf(long.toUpperCase()))
      expect(ipOf(long)).toBeDefined()
    })
  )
  expect(ipOf('star.example')).toBeUndefined()
})
