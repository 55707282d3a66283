import { createHash } from 'node:crypto'
import { generateKeyPair, publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import * as fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import type * as Bytes from 'multiformats/bytes'
import * as bytes from 'multiformats/bytes'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { InvalidKeyError } from '../src/errors.js'
import {
  encodePublicKey,
  parsePublicKey,
  PUBLIC_KEY_MAX_BYTES,
  SIGNATURE_HEX_MAX_LENGTH,
  verifySignature
} from '../src/key.js'
import { anything } from './arbitraries.js'
import { rsaPublicKey } from './rsa-public-key.js'
import { NONCE, VECTORS } from './vectors.js'

// Counts decodings of hex, to test that sizes are checked first.
vi.mock('multiformats/bytes', async (original) => {
  const actual = await original<typeof Bytes>()
  return { ...actual, fromHex: vi.fn<typeof actual.fromHex>(actual.fromHex) }
})

beforeEach(() => {
  vi.mocked(bytes.fromHex).mockClear()
})

/** From libp2p's specification of peer ids, independent of the library that this package uses. */
const SPEC = {
  Ed25519: '080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e',
  secp256k1: '08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99'
}

// A cast, since Object.keys forgets the names.
const names = Object.keys(VECTORS) as (keyof typeof VECTORS)[]

function hashedId(publicKey: string): string {
  const digest = createHash('sha256').update(publicKey, 'hex').digest()
  return base58btc.encoder.baseEncode(Buffer.concat([Buffer.from([0x12, 32]), digest]))
}

function identityId(publicKey: string): string {
  const key = Buffer.from(publicKey, 'hex')
  return base58btc.encoder.baseEncode(Buffer.concat([Buffer.from([0, key.length]), key]))
}

describe('reading a public key', () => {
  test.each(names)('%s: its type, its own text, its peer ids', (name) => {
    const { publicKey, peerId } = VECTORS[name]
    const parsed = parsePublicKey(publicKey)
    expect(parsed.type.toLowerCase()).toBe(name.replace(/(?<=rsa)\d+$/, ''))
    expect(encodePublicKey(parsed.key)).toBe(publicKey)
    expect(parsed.peerIds[0]).toBe(hashedId(publicKey))
    expect(parsed.peerIds.slice(1)).toEqual(parsed.type === 'RSA' ? [] : [identityId(publicKey)])
    expect(parsed.peerIds.at(-1)).toBe(peerId)
    expect(parsed.key.toString()).toBe(peerId)
  })

  test.each(['Ed25519', 'secp256k1'] as const)('the %s key of the specification', (type) => {
    const parsed = parsePublicKey(SPEC[type])
    expect(parsed.type).toBe(type)
    expect(parsed.peerIds[0]).toMatch(/^Qm/)
    expect(parsed.peerIds[1]).toMatch(type === 'Ed25519' ? /^12D3Koo/ : /^16Uiu2/)
  })

  test.each([
    ['Ed25519', () => generateKeyPair('Ed25519')],
    ['secp256k1', () => generateKeyPair('secp256k1')],
    ['RSA', () => generateKeyPair('RSA', 1024)]
  ])('a fresh %s key has the id libp2p gives it', async (type, generate) => {
    const { publicKey } = await generate()
    const parsed = parsePublicKey(encodePublicKey(publicKey))
    expect(parsed.type).toBe(type)
    expect(parsed.peerIds).toContain(publicKey.toString())
  })

  test.each(names)('%s: hex, upper case hex and every base64 mean the same', (name) => {
    const { publicKey } = VECTORS[name]
    const raw = Buffer.from(publicKey, 'hex')
    const base64 = raw.toString('base64')
    const spellings = [publicKey.toUpperCase(), base64, base64.replace(/=+$/, ''), raw.toString('base64url')]
    for (const text of spellings) expect(parsePublicKey(text)).toEqual(parsePublicKey(publicKey))
  })

  test('ECDSA keys are refused', async () => {
    const { publicKey } = await generateKeyPair('ECDSA')
    expect(() => parsePublicKey(encodePublicKey(publicKey))).toThrow(/RSA, Ed25519 or secp256k1/)
  })

  test('two encodings of one key: the second is refused', () => {
    const key = Buffer.from(SPEC.Ed25519, 'hex')
    const data = key.subarray(2)
    const others = {
      'fields swapped': Buffer.concat([data, key.subarray(0, 2)]),
      'a field more': Buffer.concat([key, Buffer.from([0x18, 1])]),
      'the type twice': Buffer.concat([key.subarray(0, 2), key]),
      'a longer type': Buffer.concat([Buffer.from([0x08, 0x81, 0x00]), data]),
      'a longer length': Buffer.concat([key.subarray(0, 3), Buffer.from([0xa0, 0x00]), key.subarray(4)])
    }
    for (const [what, other] of Object.entries(others)) {
      // The library decodes all of them to the same key.
      expect(Buffer.from(publicKeyToProtobuf(publicKeyFromProtobuf(other))), what).toEqual(key)
      expect(() => parsePublicKey(other.toString('hex')), what).toThrow(InvalidKeyError)
    }
    expect(() => parsePublicKey(Buffer.concat([key, Buffer.from([0])]).toString('hex'))).toThrow(InvalidKeyError)
  })

  test('a secp256k1 point that is not compressed, or not on the curve', () => {
    expect(() => parsePublicKey(`08021221${'02'}${'ff'.repeat(32)}`)).toThrow(InvalidKeyError)
    expect(() => parsePublicKey(`08021241${'04'}${'01'.repeat(64)}`)).toThrow(InvalidKeyError)
  })

  test('a type that is not that of the payload', () => {
    expect(() => parsePublicKey(SPEC.Ed25519.replace(/^0801/, '0800'))).toThrow(InvalidKeyError)
    expect(() => parsePublicKey(SPEC.Ed25519.replace(/^0801/, '0802'))).toThrow(InvalidKeyError)
    expect(() => parsePublicKey(SPEC.secp256k1.replace(/^0802/, '0801'))).toThrow(InvalidKeyError)
  })

  test.each(['', '0', '0g', '08', '0801', '080112', '08011220', 'CAES', '!!!!', 'CAESI', ' ', '0'.repeat(100)])(
    '%j is no key',
    (text) => {
      expect(() => parsePublicKey(text)).toThrow(InvalidKeyError)
    }
  )

  test('what the library threw is kept as cause', () => {
    let thrown: unknown
    try {
      parsePublicKey(`08021221${'02'}${'ff'.repeat(32)}`)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ name: 'InvalidKeyError', code: 'ERR_INVALID_KEY', cause: expect.any(Error) })
  })

  test('the caps come before any work', () => {
    expect(() => parsePublicKey(VECTORS.rsa2048.publicKey.repeat(20_000))).toThrow(/at most 2400 characters/)
    expect(() => parsePublicKey('0'.repeat(2402))).toThrow(/at most 2400 characters/)
    expect(bytes.fromHex).not.toHaveBeenCalled()
    expect(() => parsePublicKey('0'.repeat(2400))).toThrow(InvalidKeyError)
    expect(bytes.fromHex).toHaveBeenCalledOnce()
    // 2400 characters of base64 are allowed as text, but too many as bytes.
    const long = rsaPublicKey({ modulusBits: 9600 })
    expect(long.length).toBeGreaterThan(PUBLIC_KEY_MAX_BYTES)
    expect(() => parsePublicKey(long.toString('base64'), { maxRsaBits: 16_384 })).toThrow(/at most 1200 bytes/)
  })

  test('whatever is sent, only InvalidKeyError is thrown', () => {
    const protobuf = fc
      .tuple(fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 80 }))
      .map(([type, data]) => Buffer.from([8, type, 0x12, data.length, ...data]).toString('hex'))
    const damaged = fc
      .tuple(fc.constantFrom(...names), fc.nat(), fc.nat({ max: 255 }))
      .map(([name, position, value]) => {
        const key = Buffer.from(VECTORS[name].publicKey, 'hex')
        key[position % Math.min(key.length, 40)] = value
        return key.toString('hex')
      })
    const nested = fc.nat({ max: 590 }).map((depth) => `080012${varint(2 * depth)}${'3080'.repeat(depth)}`)
    fc.assert(
      fc.property(fc.oneof(anything, protobuf, damaged, nested, fc.base64String()), (text) => {
        try {
          const { key } = parsePublicKey(text as string)
          expect(encodePublicKey(key)).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidKeyError)
        }
      }),
      { numRuns: 2000 }
    )
  })
})

function ofBits(modulusBits: number): string {
  return rsaPublicKey({ modulusBits }).toString('hex')
}

function withExponent(exponent: number[]): string {
  return rsaPublicKey({ modulusBits: 1024, exponent }).toString('hex')
}

describe('the limits of RSA keys', () => {
  test('1024 to 8192 bits, unless told otherwise', () => {
    for (const bits of [1024, 1025, 4096, 8192]) expect(parsePublicKey(ofBits(bits)).type).toBe('RSA')
    expect(() => parsePublicKey(ofBits(1023))).toThrow('1024 to 8192 bits, got 1023')
    expect(() => parsePublicKey(ofBits(8193))).toThrow('1024 to 8192 bits, got 8193')
    expect(() => parsePublicKey(ofBits(8300))).toThrow('1024 to 8192 bits, got 8300')
    expect(() => parsePublicKey(VECTORS.rsa1024.publicKey, { minRsaBits: 2048 })).toThrow(/2048 to 8192 bits/)
    expect(() => parsePublicKey(VECTORS.rsa2048.publicKey, { maxRsaBits: 2047 })).toThrow(/1024 to 2047 bits/)
    expect(parsePublicKey(VECTORS.rsa2048.publicKey, { minRsaBits: 2048, maxRsaBits: 2048 }).type).toBe('RSA')
  })

  test('an exponent that is odd, at least 3 and at most 32 bits', () => {
    for (const good of [[3], [1, 0, 1], [0xff, 0xff, 0xff, 0xff]])
      expect(parsePublicKey(withExponent(good)).type).toBe('RSA')
    const huge = Array.from({ length: 128 }, () => 0xff)
    for (const bad of [[0], [1], [2], [4], [1, 0, 0], [1, 0, 0, 0, 1], huge]) {
      expect(() => parsePublicKey(withExponent(bad)), String(bad)).toThrow(InvalidKeyError)
    }
  })

  test('a modulus that is odd', () => {
    expect(() => parsePublicKey(rsaPublicKey({ modulusBits: 1024, lastByte: 2 }).toString('hex'))).toThrow(/odd/)
  })

  test('exactly the DER that every RSA key has', () => {
    const good = { modulusBits: 1024 }
    expect(parsePublicKey(rsaPublicKey(good).toString('hex')).type).toBe('RSA')
    const bad = {
      'a zero too many before the modulus': { ...good, padding: 2 },
      'a negative modulus': { ...good, padding: 0 },
      'no parameters': { ...good, algorithm: '300b06092a864886f70d010101' },
      'RSA-PSS': { ...good, algorithm: '300d06092a864886f70d01010a0500' },
      'something after the exponent': { ...good, trailer: '0500' },
      'an exponent with a zero before it': { ...good, exponent: [0, 3] }
    }
    for (const [what, parts] of Object.entries(bad)) {
      expect(() => parsePublicKey(rsaPublicKey(parts).toString('hex')), what).toThrow(InvalidKeyError)
    }
  })
})

describe('verifying a signature', () => {
  test.each(names)('%s', async (name) => {
    const { publicKey, signature } = VECTORS[name]
    const key = parsePublicKey(publicKey)
    expect(await verifySignature(key, NONCE, signature)).toBe(true)
    expect(await verifySignature(key, NONCE, signature.toUpperCase())).toBe(true)
    expect(await verifySignature(key, `${NONCE} `, signature)).toBe(false)
    expect(await verifySignature(key, '', signature)).toBe(false)
    expect(await verifySignature(key, NONCE, '')).toBe(false)
    expect(await verifySignature(key, NONCE, signature.slice(0, -1))).toBe(false)
    expect(await verifySignature(key, NONCE, signature.slice(0, -2))).toBe(false)
    expect(await verifySignature(key, NONCE, `${signature}00`)).toBe(false)
    // A lenient decoder would drop half a byte at the end.
    expect(await verifySignature(key, NONCE, `${signature}0`)).toBe(false)
    expect(await verifySignature(key, NONCE, signature.replace(/.$/, 'g'))).toBe(false)
  })

  test.each(names)('%s: with one bit of the key flipped it never verifies', async (name) => {
    const { publicKey, signature } = VECTORS[name]
    let parsed = 0
    const bits = publicKey.length * 4
    // Every bit of short keys, some bits of long ones, since each takes a verification.
    const step = Math.ceil(bits / 300)
    for (let bit = 0; bit < bits; bit += step) {
      const damaged = Buffer.from(publicKey, 'hex')
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        const key = parsePublicKey(damaged.toString('hex'))
        parsed++
        expect(key.peerIds).not.toContain(VECTORS[name].peerId)
        expect(await verifySignature(key, NONCE, signature)).toBe(false)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidKeyError)
      }
    }
    expect(parsed).toBeGreaterThan(0)
  })

  test.each(names)('%s: with one bit of the signature flipped it never verifies', async (name) => {
    const { publicKey, signature } = VECTORS[name]
    const key = parsePublicKey(publicKey)
    const flips = fc.asyncProperty(fc.nat({ max: signature.length * 4 - 1 }), async (bit) => {
      const damaged = Buffer.from(signature, 'hex')
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await verifySignature(key, NONCE, damaged.toString('hex'))).toBe(false)
    })
    await fc.assert(flips, { numRuns: 60 })
  })

  test('whatever is sent is false, nothing is thrown', async () => {
    const key = parsePublicKey(VECTORS.ed25519.publicKey)
    const hex = fc.uint8Array({ maxLength: 70 }).map((data) => bytes.toHex(data))
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, hex), async (signature) => {
        expect(await verifySignature(key, NONCE, signature as string)).toBe(false)
      })
    )
  })

  test('a key that throws counts as a wrong signature', async () => {
    const { key, ...rest } = parsePublicKey(VECTORS.ed25519.publicKey)
    const verify = vi.spyOn(key, 'verify').mockRejectedValue(new Error('no crypto here'))
    expect(await verifySignature({ key, ...rest }, NONCE, VECTORS.ed25519.signature)).toBe(false)
    expect(verify).toHaveBeenCalledOnce()
  })

  test('the cap comes before any work', async () => {
    const key = parsePublicKey(VECTORS.ed25519.publicKey)
    const verify = vi.spyOn(key.key, 'verify')
    vi.mocked(bytes.fromHex).mockClear()
    expect(await verifySignature(key, NONCE, 'ab'.repeat(5_000_000))).toBe(false)
    expect(await verifySignature(key, NONCE, 'a'.repeat(SIGNATURE_HEX_MAX_LENGTH + 2))).toBe(false)
    expect(bytes.fromHex).not.toHaveBeenCalled()
    expect(verify).not.toHaveBeenCalled()
    expect(await verifySignature(key, NONCE, 'a'.repeat(SIGNATURE_HEX_MAX_LENGTH))).toBe(false)
    expect(bytes.fromHex).toHaveBeenCalledOnce()
    expect(VECTORS.rsa8192.signature.length).toBeLessThanOrEqual(SIGNATURE_HEX_MAX_LENGTH)
  })
})

function varint(value: number): string {
  const encoded = value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]
  return Buffer.from(encoded).toString('hex')
}
