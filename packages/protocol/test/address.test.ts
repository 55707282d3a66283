import { createRequire } from 'node:module'
import type * as Library from '@multiformats/multiaddr'
import * as library from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ADDRESS_MAX_LENGTH, parseAddress, rebase, serverUrl, shortPeerId } from '../src/address.js'
import { InvalidAddressError } from '../src/errors.js'
import { anything, damagedAddress, peerId, prefixOver, starAddress, wellFormedParts } from './arbitraries.js'

// Counts the calls of the library, to test that sizes are checked first.
vi.mock('@multiformats/multiaddr', async (original) => {
  const actual = await original<typeof Library>()
  return { ...actual, multiaddr: vi.fn<typeof actual.multiaddr>(actual.multiaddr) }
})

// A cast, since mafmt 6 is CommonJS without types.
const mafmt = createRequire(import.meta.url)('mafmt') as { WebSocketStar: { matches(address: string): boolean } }

const QM = 'QmZ9hzLv3kYNZRKoYhAbRGXgvELCkeeSWMBt2bJ1FQjyxz'
const ED = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'
const SECP = '16Uiu2HAm1GzDEhvyUbdDj8V8LzM2Uy1JRqb6SqFJdfjEYn4nXAUm'
const PREFIX = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'

function multihash(text: string) {
  return base58btc.decoder.decode(`z${text}`)
}

function encoded(...bytes: number[]): string {
  return base58btc.encoder.baseEncode(Uint8Array.from(bytes))
}

describe('reading an address', () => {
  beforeEach(() => {
    vi.mocked(library.multiaddr).mockClear()
  })

  test.each(['/ipfs/', '/p2p/'])('%s and a trailing slash make no difference', (protocol) => {
    for (const slash of ['', '/', '///']) {
      expect(parseAddress(`${PREFIX}${protocol}${QM}${slash}`)).toEqual({
        canonical: `${PREFIX}/p2p/${QM}`,
        legacy: `${PREFIX}/ipfs/${QM}`,
        prefix: PREFIX,
        peerId: QM,
        strict: true
      })
    }
  })

  test('repeated slashes are dropped wherever they stand, as legacy multiaddr did', () => {
    expect(parseAddress(`//dns4/a.b///wss//p2p-websocket-star//`).canonical).toBe('/dns4/a.b/wss/p2p-websocket-star')
  })

  test('an IPv6 address is written in its shortest form', () => {
    const { canonical } = parseAddress('/ip6/0:0:0:0:0:0:0:1/tcp/9090/ws/p2p-websocket-star')
    expect(canonical).toBe('/ip6/::1/tcp/9090/ws/p2p-websocket-star')
  })

  test('a host that is named like a protocol is a host', () => {
    const address = parseAddress(`/dns4/p2p/tcp/80/ws/p2p-websocket-star/ipfs/${QM}`)
    expect(address.legacy).toBe(`/dns4/p2p/tcp/80/ws/p2p-websocket-star/ipfs/${QM}`)
    expect(address.canonical).toBe(`/dns4/p2p/tcp/80/ws/p2p-websocket-star/p2p/${QM}`)
    expect(parseAddress('/dns4/ip6/tcp/80/ws/p2p-websocket-star').strict).toBe(true)
  })

  test.each([QM, ED, SECP])('the peer id %s', (id) => {
    expect(parseAddress(`${PREFIX}/p2p/${id}`).peerId).toBe(id)
  })

  test.each([
    ['libp2p-key', 0x72],
    ['dag-pb', 0x70]
  ])('a peer id as CID of codec %s becomes its base58btc multihash', (_, codec) => {
    for (const id of [QM, ED]) {
      const bytes = multihash(id)
      const digest = createDigest(bytes[0] ?? -1, bytes.subarray(2))
      const cid = CID.createV1(codec, digest)
      const address = parseAddress(`${PREFIX}/p2p/${cid}`)
      expect(address.peerId).toBe(id)
      expect(address.canonical).toBe(`${PREFIX}/p2p/${id}`)
      expect(address.legacy).toBe(`${PREFIX}/ipfs/${id}`)
    }
  })

  test('a CID that is not a peer id is refused', () => {
    const raw = CID.createV1(0x55, createDigest(0x12, new Uint8Array(32)))
    expect(() => parseAddress(`${PREFIX}/p2p/${raw}`)).toThrow(InvalidAddressError)
  })

  test.each([
    ['a SHA-256 that is cut short', QM.slice(0, -1)],
    ['a SHA-256 that is too long', `${QM}1`],
    ['an identity of 43 bytes', encoded(0, 43, ...new Uint8Array(43))],
    ['an identity of nothing', encoded(0, 0)],
    ['two bytes too many', encoded(0, 1, 5, 5)],
    ['a code that is written in two bytes', encoded(0, 0x80, 1, ...new Uint8Array(80).fill(1))]
  ])('%s is no peer id', (_, id) => {
    const address = parseAddress(`${PREFIX}/p2p/${id}`)
    expect(address).toMatchObject({ peerId: undefined, strict: false, canonical: `${PREFIX}/p2p/${id}` })
  })

  test('a peer id of more than 128 characters, or more than 23 parts, are not looked at', () => {
    const long = (length: number) => `${PREFIX}/p2p/Q${'z'.repeat(length - 1)}`
    expect(parseAddress(long(128)).peerId).toBeUndefined()
    expect(() => parseAddress(long(129))).toThrow(/too long parts/)
    expect(() => parseAddress('/ip4/1.2.3.4'.repeat(12))).toThrow(/too many/)
    expect(parseAddress('/ip4/1.2.3.4'.repeat(11)).strict).toBe(false)
  })

  test('an identity of 42 bytes is one', () => {
    const id = encoded(0, 42, ...new Uint8Array(42))
    expect(parseAddress(`${PREFIX}/p2p/${id}`)).toMatchObject({ peerId: id, strict: true })
  })

  test('no peer id, two peer ids, or one that is not last: none', () => {
    expect(parseAddress(PREFIX)).toMatchObject({ peerId: undefined, prefix: PREFIX, strict: true })
    expect(parseAddress(`${PREFIX}/p2p/${QM}/ipfs/${ED}`)).toMatchObject({ peerId: undefined, strict: false })
    expect(parseAddress(`${PREFIX}/p2p/${QM}/p2p/${QM}`).peerId).toBeUndefined()
    expect(parseAddress(`${PREFIX}/p2p/${QM}/p2p-circuit`).peerId).toBeUndefined()
  })

  test('a prefix needs exactly one p2p-websocket-star', () => {
    expect(parseAddress(`/ip4/1.2.3.4/tcp/80/ws/p2p/${QM}`)).toMatchObject({ prefix: undefined, peerId: QM })
    expect(parseAddress(`${PREFIX}${PREFIX}`).prefix).toBeUndefined()
    expect(parseAddress('/ip4/1.2.3.4/udp/1/p2p-websocket-star').prefix).toBe('/ip4/1.2.3.4/udp/1/p2p-websocket-star')
  })

  test.each([
    ['a number', 5],
    ['nothing', undefined],
    ['an empty text', ''],
    ['slashes only', '///'],
    ['no slash at the start', 'dns4/a.b/wss/p2p-websocket-star'],
    ['a space', '/dns4/a b/wss/p2p-websocket-star'],
    ['a line break at the end', '/dns4/a.b/wss/p2p-websocket-star\n'],
    ['a letter beyond ASCII', '/dns4/bücher.example/wss/p2p-websocket-star'],
    ['an unknown protocol', '/dns4/a.b/wss/p2p-websocket-sun'],
    ['a missing value', '/dns4'],
    ['a bad IPv4 address', '/ip4/1.2.3.256/tcp/80/ws/p2p-websocket-star'],
    ['a URL in an IPv6 address', '/ip6/::1]?/tcp/80/ws/p2p-websocket-star'],
    ['a port too high', '/ip4/1.2.3.4/tcp/65536/ws/p2p-websocket-star'],
    ['a port of letters', '/ip4/1.2.3.4/tcp/80x/ws/p2p-websocket-star'],
    ['a bad percent sequence', '/unix/%E0%A4%A'],
    ['a bad onion address', '/onion/short:80'],
    ['a peer id with letters that base58 has not', `${PREFIX}/p2p/Qm0OIl`],
    ['a peer id that is none', `${PREFIX}/p2p/hello`]
  ])('%s is refused', (_, text) => {
    expect(() => parseAddress(text)).toThrow(InvalidAddressError)
  })

  test('what multiaddr threw is kept, what was sent is shortened', () => {
    let thrown: unknown
    try {
      parseAddress(`/nonsense/${'x'.repeat(900)}`)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(InvalidAddressError)
    expect(thrown).toMatchObject({ code: 'ERR_INVALID_ADDRESS', cause: expect.any(Error) })
    expect(String(thrown)).toContain('expected a multiaddr such as')
    expect(String(thrown).length).toBeLessThan(500)
  })

  test('the cap comes before any work', () => {
    const long = `${PREFIX}${'/'.repeat(10_000_000)}`
    expect(() => parseAddress(long)).toThrow(/has 10000053 characters/)
    expect(library.multiaddr).not.toHaveBeenCalled()
    expect(parseAddress(`${PREFIX}//`).canonical).toBe(PREFIX)
    expect(library.multiaddr).toHaveBeenCalled()
  })

  test('the cap holds for every spelling', () => {
    const rest = `/p2p/${QM}`
    const fill = ADDRESS_MAX_LENGTH - '/dns4//wss/p2p-websocket-star'.length - rest.length
    const fits = `/dns4/${'a'.repeat(fill - 1)}/wss/p2p-websocket-star${rest}`
    expect(parseAddress(fits).legacy).toHaveLength(ADDRESS_MAX_LENGTH)
    expect(parseAddress(parseAddress(fits).legacy).canonical).toBe(fits)
    // 1024 characters as canonical text, 1025 as legacy one.
    expect(() => parseAddress(fits.replace('/dns4/', '/dns4/a'))).toThrow(InvalidAddressError)
    // ':' is written again as %3A.
    expect(() => parseAddress(`/unix/${':'.repeat(500)}`)).toThrow(InvalidAddressError)
  })
})

describe('the strict forms', () => {
  test.each([
    '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star',
    '/ip6/::1/tcp/9090/wss/p2p-websocket-star',
    '/dns/a.b/tcp/9090/ws/p2p-websocket-star',
    '/dns4/a.b/ws/p2p-websocket-star',
    '/dns6/a.b/wss/p2p-websocket-star',
    '/dnsaddr/a.b/tcp/1/wss/p2p-websocket-star'
  ])('%s, as mafmt has it', (text) => {
    for (const whole of [text, `${text}/ipfs/${QM}`, `${text}/p2p/${QM}`]) {
      expect(parseAddress(whole).strict).toBe(true)
      expect(mafmt.WebSocketStar.matches(whole)).toBe(true)
    }
  })

  test.each([
    '/ip4/127.0.0.1/ws/p2p-websocket-star',
    '/ip4/127.0.0.1/udp/80/ws/p2p-websocket-star',
    '/ip4/127.0.0.1/tcp/80/p2p-websocket-star',
    '/ip4/127.0.0.1/tcp/80/ws',
    '/ip4/127.0.0.1/tcp/80/ws/ws/p2p-websocket-star',
    '/ip4/127.0.0.1/tcp/80/tcp/80/ws/p2p-websocket-star',
    '/tcp/80/ws/p2p-websocket-star',
    '/p2p-websocket-star',
    `/p2p/${QM}`,
    `/ip4/127.0.0.1/tcp/80/ws/p2p-websocket-star/ws`,
    `/ip4/127.0.0.1/tcp/80/ws/p2p-websocket-star/ipfs/${QM}/ipfs/${QM}`
  ])('%s is none of them, for mafmt neither', (text) => {
    expect(parseAddress(text).strict).toBe(false)
    expect(mafmt.WebSocketStar.matches(text)).toBe(false)
  })

  test('/tls/ws stands for /wss, with or without a name', () => {
    for (const transport of ['/tls/ws', '/tls/sni/star.example.com/ws']) {
      expect(parseAddress(`/ip4/1.2.3.4/tcp/443${transport}/p2p-websocket-star/p2p/${QM}`).strict).toBe(true)
      expect(parseAddress(`/dns4/a.b${transport}/p2p-websocket-star`).strict).toBe(true)
      expect(parseAddress(`/ip4/1.2.3.4${transport}/p2p-websocket-star`).strict).toBe(false)
    }
    expect(parseAddress('/dns4/a.b/tls/wss/p2p-websocket-star').strict).toBe(false)
    expect(parseAddress('/dns4/a.b/sni/a.b/ws/p2p-websocket-star').strict).toBe(false)
  })

  test('agree with mafmt on every order of well-formed parts', () => {
    let strict = 0
    const nearlyReal = fc
      .tuple(prefixOver('/ws', '/wss', '/ws/ws', ''), peerId, fc.constantFrom('/ipfs/', ''))
      .map(([prefix, id, protocol]) => (protocol === '' ? prefix : `${prefix}${protocol}${id}`))
    fc.assert(
      fc.property(fc.oneof(wellFormedParts, nearlyReal), (text) => {
        const ours = parseAddress(text).strict
        if (ours) strict++
        expect(ours).toBe(mafmt.WebSocketStar.matches(text))
      }),
      { numRuns: 1000 }
    )
    expect(strict).toBeGreaterThan(50)
  })

  test('never accept a damaged text that mafmt refuses', () => {
    fc.assert(
      fc.property(damagedAddress, (text) => {
        const address = attempt(text)
        if (address?.strict !== true || address.canonical.includes('/tls/')) return
        expect(mafmt.WebSocketStar.matches(address.legacy)).toBe(true)
      }),
      { numRuns: 1000 }
    )
  })
})

describe('whatever the text', () => {
  test('only InvalidAddressError is thrown', () => {
    const slashed = fc.array(fc.string({ maxLength: 8 })).map((parts) => `/${parts.join('/')}`)
    const texts = fc.oneof(fc.string(), slashed, damagedAddress, wellFormedParts)
    fc.assert(
      fc.property(fc.oneof(anything, texts), (text) => void attempt(text)),
      { numRuns: 2000 }
    )
    fc.assert(
      fc.property(texts, (text) => void attemptUrl(text)),
      { numRuns: 2000 }
    )
  })

  test('an address is the same whether or not its prefix was read before', () => {
    fc.assert(
      fc.property(
        fc.oneof(starAddress, damagedAddress, wellFormedParts),
        fc.oneof(
          peerId,
          peerId.map((id) => `${id}1`),
          fc.constantFrom('', 'Q', '1', 'Q'.repeat(200), `${QM}/`, `${QM}/p2p/${ED}`, '0OIl')
        ),
        fc.constantFrom('ipfs', 'p2p'),
        (text, id, name) => {
          const other = text.replace(/\/(?:ipfs|p2p)\/[^/]*\/?$/, `/${name}/${id}`)
          const first = attempt(other)
          // Its prefix is cached now, if it has one.
          attempt(text)
          expect(attempt(other)).toEqual(first)
          // The prefix is evicted from the cache now.
          for (let port = 1; port <= 300; port++) attempt(`/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star/p2p/${QM}`)
          expect(attempt(other)).toEqual(first)
        }
      ),
      { numRuns: 100 }
    )
  })

  test('what was written reads back as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(starAddress, damagedAddress, wellFormedParts), (text) => {
        const address = attempt(text)
        if (address === undefined) return
        expect(parseAddress(address.canonical)).toEqual(address)
        expect(parseAddress(address.legacy)).toEqual(address)
        expect(parseAddress(`${address.canonical}/`)).toEqual(address)
      }),
      { numRuns: 1000 }
    )
  })

  test('an address under another prefix reads back as that peer there', () => {
    const prefix = prefixOver('/ws', '/wss', '/tls/ws')
    fc.assert(
      fc.property(prefix, peerId, fc.constantFrom('canonical', 'legacy'), (text, id, form) => {
        const there = parseAddress(text).prefix ?? ''
        const rebased = rebase(id, there, form)
        const address = parseAddress(rebased)
        expect(address).toMatchObject({ peerId: id, prefix: there })
        expect(address[form]).toBe(rebased)
        expect(rebased.split('/ipfs/').pop() === id).toBe(form === 'legacy')
      })
    )
  })
})

describe('the URL of the server', () => {
  test.each([
    ['/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star', 'http://127.0.0.1:9090'],
    ['/ip6/::1/tcp/9090/ws/p2p-websocket-star', 'http://[::1]:9090'],
    ['/ip6/::1/tcp/443/wss/p2p-websocket-star', 'https://[::1]'],
    ['/dns4/a.b/tcp/80/ws/p2p-websocket-star', 'http://a.b'],
    ['/dns4/a.b/tcp/443/ws/p2p-websocket-star', 'http://a.b:443'],
    ['/dns4/a.b/tcp/443/wss/p2p-websocket-star', 'https://a.b'],
    ['/dns4/a.b/tcp/80/wss/p2p-websocket-star', 'https://a.b:80'],
    ['/dns4/a.b/wss/p2p-websocket-star', 'https://a.b'],
    ['/dns6/a.b/tls/ws/p2p-websocket-star', 'https://a.b'],
    ['/ip4/1.2.3.4/tcp/8443/tls/sni/a.b/ws/p2p-websocket-star', 'https://a.b:8443']
  ])('%s leads to %s', (text, url) => {
    expect(serverUrl(text)).toBe(url)
    expect(serverUrl(`${text}/ipfs/${QM}/`)).toBe(url)
    expect(serverUrl(parseAddress(text))).toBe(url)
  })

  test.each([
    'nothing',
    '/ip4/1.2.3.4/tcp/80/ws',
    '/ip4/1.2.3.4/ws/p2p-websocket-star',
    '/ip4/1.2.3.4/tcp/80/p2p-websocket-star',
    '/dns4/a@b/ws/p2p-websocket-star',
    '/dns4/a?b/ws/p2p-websocket-star',
    '/dns4/a:80/ws/p2p-websocket-star',
    '/dns4/a#b/ws/p2p-websocket-star',
    '/dns4/1.2.3.999/ws/p2p-websocket-star'
  ])('%s leads nowhere', (text) => {
    expect(() => serverUrl(text)).toThrow(InvalidAddressError)
  })

  test('always is an origin, never anything more', () => {
    fc.assert(
      fc.property(fc.oneof(starAddress, damagedAddress), (text) => {
        const url = attemptUrl(text)
        if (url !== undefined) expect(new URL(url).origin).toBe(url)
      })
    )
  })
})

test('a peer id in a log line', () => {
  expect(shortPeerId(QM)).toBe('QmZ9…FQjyxz')
  expect(shortPeerId('Qm12345')).toBe('Qm12345')
})

function attempt(text: unknown) {
  try {
    return parseAddress(text)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidAddressError)
    return undefined
  }
}

function attemptUrl(text: string) {
  try {
    return serverUrl(text)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidAddressError)
    return undefined
  }
}
