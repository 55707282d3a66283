import type * as Library from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { parseAddress } from '../src/address.js'
import { InvalidAddressError, InvalidRequestError, wireErrorFor } from '../src/errors.js'
import { JOIN_DATA_MAX_LENGTH, parseDialRequest, parseJoinRequest, parseLeaveRequest } from '../src/requests.js'
import { anything, starAddress } from './arbitraries.js'
import { VECTORS } from './vectors.js'

// Counts parsed addresses, to test that sizes are checked first.
vi.mock('@multiformats/multiaddr', async (original) => {
  const actual = await original<typeof Library>()
  return { ...actual, multiaddr: vi.fn<typeof actual.multiaddr>(actual.multiaddr) }
})

const A = `/dns4/a.b/wss/p2p-websocket-star/ipfs/${VECTORS.ed25519.peerId}`
const B = `/dns4/a.b/wss/p2p-websocket-star/ipfs/${VECTORS.secp256k1.peerId}`

beforeEach(() => {
  vi.mocked(multiaddr).mockClear()
})

describe('a join', () => {
  test('has an address and data', () => {
    expect(parseJoinRequest([A, 'abcd'])).toEqual({ address: parseAddress(A), data: 'abcd' })
  })

  test('missing data are empty data', () => {
    for (const args of [[A], [A, undefined], [A, null], [A, '']]) expect(parseJoinRequest(args).data).toBe('')
  })

  test('what follows is ignored', () => {
    expect(parseJoinRequest([A, 'abcd', { more: 1 }, 5]).data).toBe('abcd')
  })

  test.each([[5], [true], [false], [{}], [['abcd']], [new Uint8Array(2)]])('data must be a text, not %j', (data) => {
    expect(() => parseJoinRequest([A, data])).toThrow(InvalidRequestError)
    expect(() => parseJoinRequest([A, data])).toThrow(/^ss-join: argument 1 \(data\) must be a string, got an? \w+$/)
    expect(multiaddr).not.toHaveBeenCalled()
  })

  test('the cap comes before any other work', () => {
    expect(() => parseJoinRequest([A, 'a'.repeat(JOIN_DATA_MAX_LENGTH + 1)])).toThrow(
      'ss-join: argument 1 (data) must be at most 2400 characters, got 2401'
    )
    expect(() => parseJoinRequest([A, 'a'.repeat(10_000_000)])).toThrow(InvalidRequestError)
    expect(multiaddr).not.toHaveBeenCalled()
    // A prefix that is not cached.
    const elsewhere = A.replace('a.b', 'elsewhere.b')
    expect(parseJoinRequest([elsewhere, 'a'.repeat(JOIN_DATA_MAX_LENGTH)]).data).toHaveLength(JOIN_DATA_MAX_LENGTH)
    expect(multiaddr).toHaveBeenCalled()
  })

  test('the largest key and signature fit', () => {
    expect(parseJoinRequest([A, VECTORS.rsa8192.publicKey]).data).toBe(VECTORS.rsa8192.publicKey)
    expect(parseJoinRequest([A, VECTORS.rsa8192.signature]).data).toBe(VECTORS.rsa8192.signature)
  })

  test.each([[[]], [[5, 'abcd']], [['', 'abcd']], [['nowhere']]])('%j has no address', (args) => {
    expect(() => parseJoinRequest(args)).toThrow(InvalidAddressError)
  })
})

describe('a leave', () => {
  test('has an address', () => {
    expect(parseLeaveRequest([A, 'ignored'])).toEqual({ address: parseAddress(A) })
    expect(() => parseLeaveRequest([])).toThrow(InvalidAddressError)
  })
})

describe('a dial', () => {
  test('has two addresses and an id', () => {
    const expected = { from: parseAddress(A), to: parseAddress(B), dialId: 'id-1' }
    expect(parseDialRequest([A, B, 'id-1', 'ignored'])).toEqual(expected)
  })

  test.each([undefined, null, 5, '', 'a b', 'x'.repeat(129), {}, ['x']])('%j is no dial id', (dialId) => {
    expect(() => parseDialRequest([A, B, dialId])).toThrow(InvalidRequestError)
    expect(() => parseDialRequest([A, B, dialId])).toThrow(
      /^ss-dial: argument 2 \(dial id\) must be a string of 1 to 128/
    )
    expect(multiaddr).not.toHaveBeenCalled()
  })

  test('either address may be wrong', () => {
    expect(() => parseDialRequest(['nowhere', B, 'id'])).toThrow(InvalidAddressError)
    expect(() => parseDialRequest([A, 'nowhere', 'id'])).toThrow(InvalidAddressError)
    expect(() => parseDialRequest([A, undefined, 'id'])).toThrow(InvalidAddressError)
  })
})

test('whatever is sent, the errors are the two, and short, and show nothing of it on the wire', () => {
  const argument = fc.oneof(starAddress, anything, fc.constantFrom('id', A, 'x'.repeat(5000)))
  const parsers = [parseJoinRequest, parseLeaveRequest, parseDialRequest]
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 4 }), fc.constantFrom(...parsers), (args, parse) => {
      try {
        parse(args)
      } catch (error) {
        expect(error instanceof InvalidRequestError || error instanceof InvalidAddressError).toBe(true)
        expect(String(error).length).toBeLessThan(600)
        expect(wireErrorFor(error)).toMatch(/^Invalid multiaddr$|^Invalid request: [\x20-\x7e]+$/)
      }
    }),
    { numRuns: 1000 }
  )
})
