import { openDial } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentities, createIdentity } from '../support/raw-identity.js'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('a join that races an event named "disconnect" leaves nothing behind', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const identity = await createIdentity('RSA')
  const address = `${star.prefix}/ipfs/${identity.id}`
  const join = (data: string): string => `421["ss-join","${address}","${data}"]`

  const early = await star.connect()
  early.send(join(identity.publicKeyHex), '42["disconnect"]')
  await early.closed

  const late = await star.connect()
  const signature = await identity.sign(await late.challenge(identity, address))
  late.send(join(signature), '42["disconnect"]')
  // It never answers the closing handshake, so that there is time for the signature to be checked.
  late.webSocket.tcp.pause()

  const goodbye = await star.connect()
  const other = await identity.sign(await goodbye.challenge(identity, address))
  goodbye.send(join(other), '41')
  await goodbye.closed

  const stats = await star.counted('their ends', ({ sessions }) => sessions === 2)
  expect(stats).toMatchObject({ peers: 2, pendingChallenges: 0 })
  await pair.dialer.settle()
  await pair.listener.settle()
  expect(pair.announced()).not.toContain(address)
  expect(star.server.stats().joins.success).toBe(2)
  late.webSocket.tcp.resume()
  await late.closed
  expect(await (await star.connect()).join(identity, star.prefix)).toHaveLength(2)
  await pair.check()
})

test('a join that races a leave of the same address: the leave wins', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity('RSA')]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const signature = await identity.sign(await attacker.challenge(identity, address))
  attacker.send(`421["ss-join","${address}","${signature}"]`, `42["ss-leave","${address}"]`)
  expect(await attacker.next()).toMatch(/^431\["[^"]+"\]$/)
  expect(star.server.stats()).toMatchObject({ peers: 2, refused: { 'join left': 1 } })
  await expect(attacker.dial(pair.dialer.address, 'x', address)).rejects.toThrow('Not authorized')
  expect(pair.announced()).not.toContain(address)
  await pair.check()
})

test("joining with another's address: neither one's own key nor theirs helps", async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [victim, own] = [await createIdentity(), await createIdentity()]
  const [holder, attacker] = [await star.connect(), await star.connect()]
  await holder.join(victim, star.prefix)
  const target = holder.address

  await expect(attacker.challenge(own, target)).rejects.toThrow(/^Id is not matching$/)
  const nonce = await attacker.challenge(victim, target)
  await expect(attacker.finishJoin(target, await own.sign(nonce))).rejects.toThrow(/^Signature Invalid$/)
  await expect(attacker.dial(pair.dialer.address, 'x', target)).rejects.toThrow(/^Not authorized for this address$/)
  expect(star.server.stats().refused).toEqual({ 'id mismatch': 1, signature: 1, 'not authorized': 1 })

  const { near, far } = await openDial(pair.dialer, holder)
  await relay(near, far)
  await pair.check()
})

test("leaving another's address does nothing to it", async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  for (const address of [pair.dialer.address, pair.listener.address]) attacker.emit('ss-leave', address)
  await attacker.settle()
  expect(star.server.stats().peers).toBe(3)
  const { near, far } = await openDial(attacker, pair.listener)
  await relay(near, far)
  far.end(true)
  near.end(true)
  await Promise.all([near.ended(), far.ended()])
  await pair.check()
})

test('eight addresses: any of them is dialled and dials, and one that was left may be joined again', async () => {
  const star = await openStar()
  const [peer, other] = [await star.connect(), await star.join()]
  const identities = await createIdentities(8)
  for (const identity of identities) {
    await peer.join(identity, star.prefix)
  }
  const [first] = identities
  if (first === undefined) throw new Error('no identity')
  peer.emit('ss-leave', peer.address)
  await expect(peer.dial(other.address)).rejects.toThrow(/^Not authorized for this address$/)
  await expect(other.dial(peer.address)).rejects.toThrow(/^Peer not found$/)
  await peer.join(first, star.prefix)

  for (const address of new Set(peer.addresses)) {
    const outgoing = peer.dial(other.address, undefined, address)
    await Promise.all([outgoing, other.answer()])
    const incoming = other.dial(address)
    await Promise.all([incoming, peer.answer()])
  }
  expect(star.server.stats().dials).toMatchObject({ success: 16 })
})

test('connections that never join are closed, whatever else they do', async () => {
  const star = await openStar({ join: { deadline: 3_000 } })
  const pair = await wellBehavedPair(star)
  const idle = await Promise.all([
    star.connect({ eio: '3' }),
    star.connect({ eio: '4' }),
    star.connect({ eio: '4', auth: null }),
    star.connect({ transport: 'polling' }),
    star.connect({ transport: 'polling', eio: '4' })
  ])
  const [busy, left] = [await star.connect(), await star.join()]
  const chatter = setInterval(() => busy.send('2', '42["hello"]'), 20)
  left.emit('ss-leave', left.address)
  const codes = await Promise.all([...idle, busy, left].map(async (peer) => (await peer.closed).code))
  clearInterval(chatter)
  expect(codes).toEqual([1008, 1008, 1008, 200, 200, 1008, 1008])
  expect(star.server.stats().closed).toEqual({ 'join deadline': 7 })
  expect(star.server.stats().sessions).toBe(2)
  await pair.check()
})

test('connections from one address are limited, behind a trusted proxy too', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { sessionsPerIp: 3 } })
  const pair = await wellBehavedPair(star)
  const from = { forwardedFor: '203.0.113.9' }
  const held = [await star.join(from), await star.join({ ...from, transport: 'polling' }), await star.join(from)]
  await expect(star.connect(from)).rejects.toThrow('closed with')
  await expect(star.connect({ ...from, transport: 'polling' })).rejects.toThrow('closed with')
  await star.join({ forwardedFor: '203.0.113.10' })
  expect(star.server.stats().refused).toEqual({ 'sessions per ip': 2 })

  held[0]?.wire.close()
  await star.counted('one end', ({ sessions }) => sessions === 5)
  await star.join(from)
  await pair.check()
})

test('the header of a proxy that is not trusted is not believed', async () => {
  const star = await openStar({ limits: { sessionsPerIp: 1 } })
  const pair = await wellBehavedPair(star)
  const from = { forwardedFor: '203.0.113.9' }
  await Promise.all([star.join(from), star.join(from), star.join(from)])
  expect(star.server.stats().refused).toEqual({})
  await pair.check()
})
