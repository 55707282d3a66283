import { generateKeyPair, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { encodePublicKey, parsePublicKey } from '@websocket-star/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  encodedKey,
  generateKey,
  generateNonExtractableKey,
  keyFromSeed,
  importNonExtractable,
  toPrivateKey
} from '../src/key.js'

const SEED = Uint8Array.from({ length: 32 }, (_, index) => index)

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('an Ed25519 key', () => {
  test('is the same peer for the same seed, and another for another', async () => {
    const [one, same, other] = [await keyFromSeed(SEED), await keyFromSeed(SEED), await generateKey()]
    expect(one.publicKey.toString()).toBe(same.publicKey.toString())
    expect(one.publicKey.toString()).toMatch(/^12D3KooW/)
    expect(other.publicKey.toString()).not.toBe(one.publicKey.toString())
    expect((await keyFromSeed(other.seed)).publicKey.toString()).toBe(other.publicKey.toString())
  })

  test('is what js-libp2p makes of it', async () => {
    const key = await keyFromSeed(SEED)
    const theirs = publicKeyFromRaw(key.publicKey.raw)
    expect(theirs.toString()).toBe(key.publicKey.toString())
    expect(encodedKey(key.publicKey)).toBe(encodePublicKey(theirs))
    const data = new TextEncoder().encode('a nonce')
    expect(await theirs.verify(data, await key.sign(data))).toBe(true)
  })

  test('is the same where there is no WebCrypto, as in pages that came over plain HTTP', async () => {
    const secure = await keyFromSeed(SEED)
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    const insecure = await keyFromSeed(SEED)
    const data = new TextEncoder().encode('a nonce')
    expect(insecure.publicKey.toString()).toBe(secure.publicKey.toString())
    expect(await insecure.sign(data)).toEqual(await secure.sign(data))
  })

  test('is not made of anything but 32 bytes', async () => {
    for (const size of [0, 31, 33])
      await expect(keyFromSeed(new Uint8Array(size))).rejects.toThrow('seed: expected 32 bytes')
  })

  test('keeps its seed from being changed by who gave it', async () => {
    const seed = Uint8Array.from(SEED)
    const key = await keyFromSeed(seed)
    seed.fill(0)
    expect(key.seed).toEqual(SEED)
  })
})

describe('a sealed key', () => {
  test('signs as the seed does that it is made from, also once it has been stored', async () => {
    const open = await keyFromSeed(SEED)
    const sealed = await importNonExtractable(SEED)
    if (sealed === undefined) throw new Error('there is no Ed25519 here')
    const key = toPrivateKey(structuredClone(sealed))
    const data = new TextEncoder().encode('a nonce')
    expect(key.publicKey.toString()).toBe(open.publicKey.toString())
    expect(await key.sign(data)).toEqual(await open.sign(data))
    await expect(crypto.subtle.exportKey('pkcs8', sealed.privateKey)).rejects.toThrow('not extractable')
  })

  test('is another one each time', async () => {
    const keys = await Promise.all([generateNonExtractableKey(), generateNonExtractableKey()])
    const ids = keys.map((key) => key && toPrivateKey(key).publicKey.toString())
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^12D3KooW/)
  })

  test('is not made where there is no WebCrypto', async () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    expect(await generateNonExtractableKey()).toBeUndefined()
    expect(await importNonExtractable(SEED)).toBeUndefined()
  })
})

test.each(['Ed25519', 'secp256k1', 'RSA'] as const)(
  'a %s key of js-libp2p is encoded as it encodes it',
  async (type) => {
    const key = type === 'RSA' ? await generateKeyPair(type, 2048) : await generateKeyPair(type)
    expect(encodedKey(key.publicKey)).toBe(encodePublicKey(key.publicKey))
    expect(parsePublicKey(encodedKey(key.publicKey)).peerIds).toContain(key.publicKey.toString())
  }
)

test('a key of a type that no star knows is refused', async () => {
  const key = await generateKeyPair('ECDSA')
  expect(() => encodedKey(key.publicKey)).toThrow('RSA, Ed25519, secp256k1, got ECDSA')
})
