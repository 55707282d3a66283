import { describe, expect, test } from 'vitest'
import { generation, peerIdOf, type KeyKind } from '../support/generations.js'
import { joinLegacy, LegacyNode, refusal, type LegacyNodeOptions } from '../support/legacy.js'
import type { PeerId } from '../support/legacy-types.js'
import { StarSocket } from '../support/socket.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

describe('with the challenge on', () => {
  test.each<KeyKind>(['RSA-1024', 'RSA-4096', 'Ed25519', 'secp256k1'])('keys may be %s', async (key) => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice', key })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    expect(bob.discovered.items).toEqual([alice.address])
    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
  })

  test.each<KeyKind>(['RSA-2048', 'Ed25519', 'secp256k1'])(
    'a key of %s without its signature is refused',
    async (key) => {
      await using star = await startStar()
      const forged = await forgedId(key)
      expect(await refusalOf({ star: star.multiaddr, name: 'alice', key, id: forged })).toBe('Signature Invalid')
    }
  )

  test('a key of another peer is refused', async () => {
    await using star = await startStar()
    const mallory = await peerIdOf('mallory')
    expect(await refusalOf({ star: star.multiaddr, name: 'alice', id: mallory })).toBe('Id is not matching')
  })

  test('a client without a key is refused', async () => {
    await using star = await startStar()
    const refused = await refusalOf({ star: star.multiaddr, name: 'alice', id: null })
    expect(refused).toBe('Crypto Challenge required but no Id provided')
  })

  test('a refused client has taken nothing from the one that is there', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const mallory = await peerIdOf('mallory')
    expect(await refusalOf({ star: star.multiaddr, name: 'alice', id: mallory })).toBeTypeOf('string')

    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
  })
})

describe('an address that is none of a star', () => {
  test.each([
    ['another transport', (star: string, id: string) => `${star.replace('/ws/', '/http/')}/ipfs/${id}`],
    [
      'another star',
      (star: string, id: string) => `${star.replace('p2p-websocket-star', 'p2p-webrtc-star')}/ipfs/${id}`
    ],
    [
      'an old webrtc-star',
      (star: string, id: string) => `${star.replace('/ws/p2p-websocket-star', '/http/p2p-webrtc-star')}/ipfs/${id}`
    ],
    ['no peer', (star: string) => star],
    ['no peer id', (star: string) => `${star}/ipfs/nobody`],
    ['no star', (_star: string, id: string) => `/ip4/127.0.0.1/tcp/9090/ipfs/${id}`],
    ['no multiaddr', () => 'alice']
  ])('is refused by strict matching: %s', async (_name, address) => {
    await using star = await startStar()
    await using socket = await StarSocket.connect(star.url)
    const id = await peerIdOf('alice')
    const key = id.pubKey.bytes.toString('hex')

    const answer = await socket.request('ss-join', address(star.multiaddr, id.toB58String()), key)
    expect(answer).toEqual(['Invalid multiaddr'])
  })
})

describe('with the challenge off', () => {
  test('clients that allow it meet and exchange bytes, with an id and without', async () => {
    await using star = await startStar({ cryptoChallenge: false })
    const allow = { star: star.multiaddr, allowJoinWithDisabledChallenge: true }
    await using alice = await joinLegacy({ ...allow, name: 'alice' })
    await using bob = await joinLegacy({ ...allow, name: 'bob', id: null })

    expect(bob.discovered.items).toEqual([alice.address])
    await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
    expect(await roundTrip(randomChunks(100_000), await bob.dial(alice.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(100_000), await alice.dial(bob.address))).toEqual(intact)
  })

  test('a client that does not allow it refuses the server', async () => {
    await using star = await startStar({ cryptoChallenge: false })
    const refused = await refusalOf({ star: star.multiaddr, name: 'alice' })
    expect(refused).toContain('Tried to listen on a server with crypto challenge disabled!')
  })

  test('an address whose holder answers is not given away', async () => {
    await using star = await startStar({ cryptoChallenge: false })
    const allow = { star: star.multiaddr, allowJoinWithDisabledChallenge: true }
    await using alice = await joinLegacy({ ...allow, name: 'alice' })
    await using bob = await joinLegacy({ ...allow, name: 'bob' })
    expect(await refusalOf({ ...allow, name: 'alice' })).toBe('Address in use')

    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
    expect(alice.accepted.items).toHaveLength(1)
  })
})

/** Has alice's public key, and signs with mallory's. */
async function forgedId(key: KeyKind): Promise<PeerId> {
  const { PeerId } = generation('0.10.2')
  const [alice, mallory] = [await peerIdOf('alice', '0.10.2', key), await peerIdOf('mallory', '0.10.2', key)]
  const forged = new PeerId(alice.id, undefined, alice.pubKey)
  forged.privKey = mallory.privKey
  return forged
}

/** What a node that tries to join is told; undefined if it may. */
async function refusalOf(options: LegacyNodeOptions): Promise<string | undefined> {
  await using node = await LegacyNode.create(options)
  return await refusal(node.listen())
}
