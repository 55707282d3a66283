import type { RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const base58 = '[1-9A-HJ-NP-Za-km-z]+'
/** What a legacy client reads in the answer to a join without throwing. */
const listed = new RegExp(`^/.+/ipfs/(Qm${base58}|12D3Koo${base58}|16Uiu2${base58})$`)

/** Texts that are no multiaddr at all. */
function nonsense(id: string): string[] {
  return [
    '',
    ' ',
    'x',
    '/',
    '//',
    '/ipfs/',
    `/ipfs/${id.slice(0, -1)}!`,
    '/ip4',
    '/ip4/',
    '/ip4/1.2.3',
    '/ip4/1.2.3.4.5',
    '/ip4/999.1.1.1',
    '/ip4/1.2.3.4/tcp',
    '/ip4/1.2.3.4/tcp/65536',
    '/ip4/1.2.3.4/tcp/-1',
    '/ip6/::1]?/tcp/1/ws/p2p-websocket-star',
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/QmNotAnId0OIl`,
    `/nonsense/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id}\0`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id} `,
    `http://127.0.0.1/ipfs/${id}`,
    `/dns4/ü.example/tcp/1/ws/p2p-websocket-star/ipfs/${id}`,
    `/dns4/${'a'.repeat(2000)}/tcp/1/ws/p2p-websocket-star/ipfs/${id}`,
    `${'/ip4/1.2.3.4'.repeat(4000)}`
  ]
}

/** Multiaddrs that are not of the WebSocketStar form. */
function otherForms(id: string): string[] {
  return [
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/tcp/1',
    `/ip4/1.2.3.4/ipfs/${id}`,
    `/unix/xipfs/${id}`,
    `/ipfs/${id}`,
    `/ip4/127.0.0.1/ws/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/udp/1/ws/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/http/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-webrtc-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/ipfs/${id}`,
    `/ipfs/${id}/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id}/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id}/p2p-circuit`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ws/p2p-websocket-star/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/unix/x/ipfs/${id}`
  ]
}

test.for([true, false])('strict matching refuses what is not of the form, challenge %s', async (cryptoChallenge) => {
  const star = await openStar({ cryptoChallenge, limits: { joinRoundsPerSecond: 1000 } })
  const pair = await wellBehavedPair(star)
  const [attacker, own] = [await star.connect(), await createIdentity()]
  const addresses = [...nonsense(own.id), ...otherForms(own.id)]
  for (const address of addresses) {
    expect(await attacker.request('ss-join', address, own.publicKeyHex), address.slice(0, 80)).toEqual([
      'Invalid multiaddr'
    ])
  }
  expect(star.server.stats()).toMatchObject({ peers: 2, refused: { address: addresses.length } })
  expect(pair.listener.announced).toEqual([])
  await pair.check()
})

test('without strict matching, the challenge still wants exactly one peer id, the key’s', async () => {
  const star = await openStar({ strictMultiaddr: false, limits: { joinRoundsPerSecond: 1000 } })
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity()]
  const { id } = identity
  const refused = [
    ...nonsense(id),
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/tcp/1',
    `/unix/xipfs/${id}`,
    `/ipfs/${id}/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${id}/ipfs/${id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${pair.dialer.address.split('/').at(-1)}/ipfs/${id}`
  ]
  for (const address of refused) {
    expect(await attacker.request('ss-join', address, identity.publicKeyHex), address.slice(0, 80)).toEqual([
      'Invalid multiaddr'
    ])
  }
  expect(pair.announced().filter((address) => address.includes(id))).toEqual([])

  await attacker.join(identity, '/ip4/1.2.3.4/tcp/1')
  const list = await (await star.connect()).join(await createIdentity(), star.prefix)
  expect(list).toHaveLength(3)
  for (const address of list) expect(address).toMatch(listed)
  await pair.check()
})

test('with neither, any multiaddr joins and is announced, and only those with one peer id are listed', async () => {
  const star = await openStar({ strictMultiaddr: false, cryptoChallenge: false, limits: { addressesPerSession: 100 } })
  const pair = await wellBehavedPair(star)
  const [joiner, own, other] = [await star.connect(), await createIdentity(), await createIdentity()]
  const odd = [
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/tcp/1',
    '/dns4/example.com/tcp/80/ws/p2p-websocket-star',
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${own.id}/ipfs/${other.id}`,
    `/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star/ipfs/${own.id}/p2p-circuit`
  ]
  const pairAddresses = new Set([pair.dialer.address, pair.listener.address])
  for (const address of odd) await joiner.finishJoin(address)
  await pair.listener.settle()
  expect(pair.listener.announced).toEqual(odd)

  const later = await star.connect()
  const list = await later.join(own, star.prefix)
  expect(new Set(list)).toEqual(pairAddresses)
  for (const address of list) expect(address).toMatch(listed)
  const [near, far] = await Promise.all([later.dial('/ip4/1.2.3.4'), joiner.answer()])
  near.accept()
  await Promise.all([near.accepted(), far.accepted()])
  await relay(near, far)
  for (const address of nonsense(own.id)) {
    expect(await joiner.request('ss-join', address, ''), address.slice(0, 80)).toEqual(['Invalid multiaddr'])
  }
  await pair.check()
})

test('an address has one meaning, however it is written', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [peer, identity, caller] = [await star.connect(), await createIdentity(), await star.join()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const spellings = [
    address,
    `${star.prefix}/p2p/${identity.id}`,
    `${address}/`,
    `${address}//`,
    address.replace('/ws/', '//ws///')
  ]
  for (const spelling of spellings) {
    const nonce = await peer.challenge(identity, spelling)
    // Another spelling finishes what this one began.
    await peer.finishJoin(address, await identity.sign(nonce))
    expect(star.server.stats().peers).toBe(4)
    const [near, far] = await Promise.all([caller.dial(spelling), peer.answer()])
    near.accept()
    await Promise.all([near.accepted(), far.accepted()])
    peer.emit('ss-leave', spelling)
    await peer.settle()
    expect(star.server.stats().peers).toBe(3)
  }
  expect(new Set(pair.listener.announced)).toEqual(new Set([caller.address, address]))
  await pair.check()
})

test('a peer cannot be joined twice by calling it differently', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const identity = await createIdentity()
  const [first, second] = [await star.connect(), await star.connect()]
  await first.join(identity, star.prefix)
  const host = star.prefix.replace('/ip4/127.0.0.1', '/dns4/localhost')
  await second.join(identity, host)
  expect(star.server.stats().peers).toBe(3)
  expect(await (await star.connect()).join(await createIdentity(), star.prefix)).toHaveLength(3)
  // Each is reached by the very address it joined with, and the newest by any other.
  for (const [prefix, holder] of [
    [star.prefix, first],
    [host, second],
    ['/dns4/elsewhere/ws/p2p-websocket-star', second]
  ] as const) {
    const [near, far] = await Promise.all([pair.listener.dial(`${prefix}/ipfs/${identity.id}`), holder.answer()])
    near.accept()
    await Promise.all([near.accepted(), far.accepted()])
    await relay(near, far)
  }
  await expect(first.dial(`${host}/ipfs/${identity.id}`)).rejects.toThrow(/^Cannot dial own peer$/)
  await pair.check()
})

test('the prefixes in use are limited, and one that nobody uses any more makes room', async () => {
  const star = await openStar({ discovery: { prefixes: 3 } })
  const pair = await wellBehavedPair(star)
  const join = async (host: number): Promise<RawPeer> => {
    const [peer, identity] = [await star.connect(), await createIdentity()]
    await peer.join(identity, `/dns4/host-${host}.example/tcp/80/ws/p2p-websocket-star`)
    return peer
  }
  const first = await join(1)
  await join(2)
  await expect(join(3)).rejects.toThrow(/^Too many address prefixes$/)
  await join(2)
  expect(star.server.stats().refused).toEqual({ 'prefix limit': 1 })
  first.emit('ss-leave', first.address)
  await first.settle()
  await join(3)
  await pair.check()
})

test('where the public addresses are named, joins under others are refused, in every spelling', async () => {
  const name = '/dns4/star.example/tcp/443/wss/p2p-websocket-star'
  const star = await openStar({ publicAddresses: [name] })
  const [peer, identity] = [await star.connect(), await createIdentity()]
  const others = [
    '/dns4/elsewhere.example/tcp/443/wss',
    '/dns4/star.example.elsewhere.example/wss',
    '/dns4/star.example/tcp/443/ws',
    '/dns4/star.example/tcp/444/wss',
    '/dns4/star.example/tls/sni/elsewhere.example/ws',
    '/ip4/203.0.113.9/tcp/443/wss'
  ]
  for (const other of others) {
    const elsewhere = `${other}/p2p-websocket-star`
    await expect(peer.challenge(identity, `${elsewhere}/ipfs/${identity.id}`)).rejects.toThrow(
      `This server is not known by that address: ${elsewhere}. It is ${name}`
    )
  }
  expect(await peer.join(identity, name)).toEqual([])
  expect(star.server.stats().refused).toEqual({ 'public address': others.length })
})

test('where the public address is named, it may be spelled as old clients do', async () => {
  const star = await openStar({ publicAddresses: ['/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'] })
  for (const spelling of [
    '/dns4/star.example.com/wss/p2p-websocket-star',
    '/dns6/Star.Example.com/tcp/443/wss/p2p-websocket-star',
    '/dns/star.example.com./tcp/443/tls/ws/p2p-websocket-star'
  ]) {
    const [peer, identity] = [await star.connect(), await createIdentity()]
    await peer.join(identity, spelling)
  }
  expect(star.server.stats()).toMatchObject({ peers: 3, refused: {} })
})

test('where the public address is named, this machine is joined under its own addresses, at the port listened on', async () => {
  const star = await openStar({ publicAddresses: ['/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'] })
  await star.join()
  const [peer, identity] = [await star.connect(), await createIdentity()]
  await peer.join(identity, star.prefix.replace('/ip4/127.0.0.1/', '/dns4/localhost/'))
  const beside = star.prefix.replace(`/tcp/${star.port}/`, `/tcp/${star.port - 1}/`)
  await expect(peer.challenge(identity, `${beside}/ipfs/${identity.id}`)).rejects.toThrow(/^This server is not known/)
})
