import { generateKeyPair } from '@libp2p/crypto/keys'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress, rebase } from '../src/address.js'
import { assertNonceFor, createNonce, NONCE_MAX_LENGTH, parseNonce, signNonce } from '../src/challenge.js'
import { InvalidNonceError } from '../src/errors.js'
import { encodePublicKey, parsePublicKey, verifySignature } from '../src/key.js'
import { anything, starAddress } from './arbitraries.js'
import { NONCE } from './vectors.js'

const ADDRESS = parseAddress(
  '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star/ipfs/QmZ9hzLv3kYNZRKoYhAbRGXgvELCkeeSWMBt2bJ1FQjyxz'
)

function counting(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = i
}

describe('making a nonce', () => {
  test('names the protocol, the canonical address and 32 bytes', () => {
    expect(createNonce(ADDRESS, counting)).toBe(NONCE)
  })

  test('never the same twice', () => {
    const nonces = new Set(Array.from({ length: 10_000 }, () => createNonce(ADDRESS)))
    expect(nonces.size).toBe(10_000)
  })

  test('is printable ASCII within the cap, and reads back', () => {
    fc.assert(
      fc.property(starAddress, (text) => {
        const address = parseAddress(text)
        const nonce = createNonce(address)
        expect(nonce).toMatch(/^[\x20-\x7e]+$/)
        expect(nonce.length).toBeLessThanOrEqual(NONCE_MAX_LENGTH)
        expect(parseNonce(nonce)).toEqual({ address, random: nonce.slice(-43) })
      })
    )
  })

  test('fits the cap with the longest address', () => {
    const longest = parseAddress(`/dns4/${'a'.repeat(995)}/wss/p2p-websocket-star`)
    expect(longest.canonical).toHaveLength(1024)
    expect(createNonce(longest)).toHaveLength(NONCE_MAX_LENGTH)
    expect(parseNonce(createNonce(longest)).address).toEqual(longest)
  })
})

describe('reading a nonce', () => {
  const [domain, address, random] = NONCE.split(' ')

  test.each([
    ['a legacy nonce', 'a'.repeat(72)],
    ['no domain', `${address} ${random}`],
    ['another domain', `websocket-star:leave:1 ${address} ${random}`],
    ['another version', `websocket-star:join:10 ${address} ${random}`],
    ['no random part', `${domain} ${address}`],
    ['a part more', `${NONCE} x`],
    ['a space more', `${NONCE} `],
    ['a random part too short', NONCE.slice(0, -1)],
    ['a random part too long', `${NONCE}A`],
    ['a last character no encoder writes', NONCE.replace(/8$/, '9')],
    ['a line break at the end', `${NONCE}\n`],
    ['an address that is not canonical', NONCE.replace('/p2p/', '/ipfs/')],
    ['an address that is none', `${domain} nowhere ${random}`],
    ['bytes', new TextEncoder().encode(NONCE)]
  ])('%s is refused', (_, nonce) => {
    expect(() => parseNonce(nonce)).toThrow(InvalidNonceError)
    expect(() => assertNonceFor(nonce, ADDRESS)).toThrow(InvalidNonceError)
  })

  test('whatever is sent, only InvalidNonceError is thrown', () => {
    const text = fc.tuple(fc.constant(domain), fc.oneof(fc.string(), starAddress), fc.constantFrom(random, 'x', ''))
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          text.map((parts) => parts.join(' '))
        ),
        (nonce) => {
          try {
            const parsed = parseNonce(nonce)
            expect(createNonce(parsed.address, counting)).toBe(nonce)
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidNonceError)
          }
        }
      ),
      { numRuns: 1000 }
    )
  })

  test('the cap comes before any work', () => {
    // The random part is invalid, but must not be read.
    expect(() => parseNonce(`${NONCE}${'A'.repeat(10_000_000)}`)).toThrow(/at most 1090 characters/)
  })
})

describe('before signing', () => {
  test('the nonce for the very address being joined is fine', () => {
    expect(() => assertNonceFor(createNonce(ADDRESS), ADDRESS)).not.toThrow()
    expect(() => assertNonceFor(createNonce(ADDRESS), parseAddress(`${ADDRESS.legacy}/`))).not.toThrow()
  })

  test('the nonce of another star is not, and the message says what is going on', () => {
    const elsewhere = parseAddress(
      rebase(ADDRESS.peerId ?? '', '/dns4/evil.example/tcp/443/wss/p2p-websocket-star', 'canonical')
    )
    let thrown: unknown
    try {
      assertNonceFor(createNonce(ADDRESS), elsewhere)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ name: 'InvalidNonceError', code: 'ERR_INVALID_NONCE' })
    expect(String(thrown)).toMatch(/star\.example\.com.*evil\.example.*nonce of another star/)
  })
})

describe('signing', () => {
  test.each([
    ['Ed25519', () => generateKeyPair('Ed25519')],
    ['secp256k1', () => generateKeyPair('secp256k1')],
    ['RSA', () => generateKeyPair('RSA', 1024)]
  ])('%s: what is signed verifies', async (_, generate) => {
    const privateKey = await generate()
    const key = parsePublicKey(encodePublicKey(privateKey.publicKey))
    const nonce = createNonce(ADDRESS)
    const signature = await signNonce(privateKey, nonce)
    expect(signature).toMatch(/^[0-9a-f]+$/)
    expect(await verifySignature(key, nonce, signature)).toBe(true)
    expect(await verifySignature(key, createNonce(ADDRESS), signature)).toBe(false)
  })

  test('the bytes signed are the characters, as UTF-8, of any text', async () => {
    const seen: string[] = []
    const signer = {
      sign: async (data: Uint8Array) => {
        seen.push(new TextDecoder().decode(data))
        return Uint8Array.of(1, 0xab)
      }
    }
    expect(await signNonce(signer, 'a bare legacy nonce é')).toBe('01ab')
    expect(seen).toEqual(['a bare legacy nonce é'])
  })
})
