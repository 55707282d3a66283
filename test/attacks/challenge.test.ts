import { createPublicKey, randomBytes } from 'node:crypto'
import type { RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const someId = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'

/** libp2p's protobuf of a public key. */
function protobuf(type: number, data: Uint8Array): Buffer {
  const length: number[] = []
  for (let rest = data.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest)
      break
    }
    length.push((rest & 0x7f) | 0x80)
  }
  return Buffer.concat([Buffer.of(0x08, type, 0x12, ...length), data])
}

/** An RSA key of any size: nobody needs its private half. */
function rsaKey(bits: number, exponent: Buffer = Buffer.of(1, 0, 1)): Buffer {
  const modulus = randomBytes(bits / 8)
  modulus[0] = 0xc3
  modulus[modulus.length - 1] = 0x0b
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') }
  return protobuf(0, createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))
}

test('a nonce serves once: after a wrong signature a right one of it is refused too', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  for (const wrong of ['00', 'zz', 'x', '', '0'.repeat(128), '0'.repeat(2400), (await createIdentity()).publicKeyHex]) {
    const nonce = await attacker.challenge(identity, address)
    await expect(attacker.finishJoin(address, wrong)).rejects.toThrow(/^Signature Invalid$/)
    await expect(attacker.finishJoin(address, await identity.sign(nonce))).rejects.toThrow(/^Crypto error$/)
  }
  expect(star.server.stats()).toMatchObject({ peers: 2, pendingChallenges: 0, refused: { signature: 7, crypto: 7 } })
  expect(pair.announced()).not.toContain(address)
  await pair.check()
})

test('a signature is worthless after a leave, on the same connection and on another', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [peer, attacker, identity] = [await star.connect(), await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const signature = await identity.sign(await peer.challenge(identity, address))
  await peer.finishJoin(address, signature)
  peer.emit('ss-leave', address)
  await expect(peer.finishJoin(address, signature)).rejects.toThrow(/^Crypto error$/)
  await expect(attacker.finishJoin(address, signature)).rejects.toThrow(/^Crypto error$/)
  await attacker.challenge(identity, address)
  await expect(attacker.finishJoin(address, signature)).rejects.toThrow(/^Signature Invalid$/)
  expect(star.server.stats().peers).toBe(2)
  await pair.check()
})

test('a nonce is for one connection and one address', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [first, second, identity] = [await star.connect(), await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const elsewhere = `/dns4/other.example/tcp/80/ws/p2p-websocket-star/ipfs/${identity.id}`

  const [here, there] = [await first.challenge(identity, address), await first.challenge(identity, elsewhere)]
  await expect(first.finishJoin(elsewhere, await identity.sign(here))).rejects.toThrow(/^Signature Invalid$/)
  await expect(first.finishJoin(address, await identity.sign(there))).rejects.toThrow(/^Signature Invalid$/)

  const mine = await first.challenge(identity, address)
  const theirs = await second.challenge(identity, address)
  await expect(second.finishJoin(address, await identity.sign(mine))).rejects.toThrow(/^Signature Invalid$/)
  await expect(first.finishJoin(address, await identity.sign(theirs))).rejects.toThrow(/^Signature Invalid$/)
  expect(star.server.stats()).toMatchObject({ peers: 2, refused: { signature: 4 } })
  await pair.check()
})

test('a nonce expires', async () => {
  const star = await openStar({ join: { nonceTtl: 50 } })
  const [peer, identity] = [await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const signature = await identity.sign(await peer.challenge(identity, address))
  await star.counted('no challenge', ({ pendingChallenges }) => pendingChallenges === 0)
  await expect(peer.finishJoin(address, signature)).rejects.toThrow(/^Crypto error$/)
  expect(star.server.stats().peers).toBe(0)
})

test('keys that are none are refused with a string', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1000 } })
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  const { publicKey } = await createIdentity()
  const bytes = Buffer.from(publicKey)
  const keys = [
    'x',
    'zz',
    '0',
    '00',
    '08001200',
    '0801120',
    'deadbeef'.repeat(20),
    bytes.subarray(0, -1).toString('hex'),
    `${bytes.toString('hex')}00`,
    protobuf(1, randomBytes(31)).toString('hex'),
    protobuf(1, Buffer.of()).toString('hex'),
    protobuf(2, Buffer.alloc(33, 0x05)).toString('hex'),
    protobuf(2, Buffer.alloc(33)).toString('hex'),
    protobuf(3, randomBytes(91)).toString('hex'),
    protobuf(9, bytes.subarray(4)).toString('hex'),
    protobuf(0, randomBytes(294)).toString('hex'),
    protobuf(0, Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)).toString('hex'),
    Buffer.concat([bytes, bytes]).toString('hex'),
    Buffer.from('not a key').toString('base64'),
    '🦊'.repeat(32),
    '{"kty":"RSA"}',
    rsaKey(512).toString('hex'),
    rsaKey(2048, Buffer.of(1)).toString('hex'),
    rsaKey(2048, Buffer.of(2)).toString('hex'),
    rsaKey(2048, Buffer.alloc(200, 0xff)).toString('hex')
  ]
  for (const key of keys) {
    expect(await attacker.request('ss-join', `${star.prefix}/ipfs/${someId}`, key), key.slice(0, 40)).toEqual([
      'Crypto error'
    ])
  }
  expect(star.server.stats()).toMatchObject({ refused: { crypto: keys.length }, pendingChallenges: 0, peers: 2 })
  await pair.check()
})

test('a key whose id is not the one in the address is refused', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity()]
  await expect(attacker.challenge(identity, `${star.prefix}/ipfs/${someId}`)).rejects.toThrow(/^Id is not matching$/)
  await expect(attacker.challenge(identity, pair.dialer.address)).rejects.toThrow(/^Id is not matching$/)
  expect(star.server.stats().refused).toEqual({ 'id mismatch': 2 })
  await pair.check()
})

test('an RSA key above 8,192 bits is refused before it is parsed, one of 8,192 is not', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  const join = async (key: Buffer): Promise<unknown> =>
    (await attacker.request('ss-join', `${star.prefix}/ipfs/${someId}`, key.toString('hex')))[0]
  expect(await join(rsaKey(8192))).toBe('Id is not matching')
  expect(await join(rsaKey(9216))).toBe('Crypto error')
  expect(await join(rsaKey(16_384))).toMatch(/^Invalid request/)
  expect(await join(protobuf(0, randomBytes(65_536)))).toMatch(/^Invalid request/)
  const { refused, dropped } = star.server.stats()
  expect({ refused, dropped }).toEqual({
    refused: { 'id mismatch': 1, crypto: 1, request: 1 },
    dropped: { 'oversized packet': 1 }
  })
  await pair.check()
})

test('the smallest RSA key is an option', async () => {
  const star = await openStar({ join: { minRsaBits: 2048 } })
  const peer = await star.connect()
  await expect(peer.join(await createIdentity('RSA', 1024), star.prefix)).rejects.toThrow(/^Crypto error$/)
  expect(await peer.join(await createIdentity('RSA', 2048), star.prefix)).toEqual([])
})

test('keys of 960 kB are refused, fifty of them too', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  const key = '08'.repeat(480_000)
  for (let index = 0; index < 50; index++) {
    expect(await attacker.request('ss-join', `${star.prefix}/ipfs/${someId}`, key)).toEqual([
      expect.stringMatching(/^Invalid request/)
    ])
  }
  expect(star.server.stats().dropped).toEqual({ 'oversized packet': 50 })
  await pair.check()
})

test('20,000 challenges that nobody answers are few at any time, on one connection and in all', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1_000_000, pendingChallenges: 100 } })
  const pair = await wellBehavedPair(star)
  const identity = await createIdentity()
  const requests = Array.from({ length: 1000 }, (_, host) => {
    const address = `/dns4/host-${host}/tcp/1/ws/p2p-websocket-star/ipfs/${identity.id}`
    return `42${host}["ss-join","${address}","${identity.publicKeyHex}"]`
  })
  const flood = async (attacker: RawPeer): Promise<void> => {
    attacker.send(...requests)
    await attacker.until('all answers', () => (attacker.unread.length === requests.length ? true : undefined))
  }

  const alone = await star.connect()
  await flood(alone)
  expect(alone.unread.filter((packet) => /^43\d+\[null,/.test(String(packet)))).toHaveLength(8)
  expect(star.server.stats()).toMatchObject({ pendingChallenges: 8, refused: { 'address limit': 992 } })

  const oldest = await star.connect()
  const address = `${star.prefix}/ipfs/${identity.id}`
  const signature = await identity.sign(await oldest.challenge(identity, address))
  const others = await Promise.all(Array.from({ length: 19 }, async () => await star.connect()))
  await Promise.all(others.map(flood))
  expect(star.server.stats().pendingChallenges).toBe(100)
  // The oldest gave way to the newer ones.
  await expect(oldest.finishJoin(address, signature)).rejects.toThrow(/^Crypto error$/)
  await star.join()

  for (const attacker of [alone, ...others]) attacker.wire.close()
  const { peers } = await star.counted('no challenge', ({ pendingChallenges }) => pendingChallenges === 0)
  expect(peers).toBe(3)
  await pair.check()
})
