import { randomBytes, randomUUID } from 'node:crypto'
import { openDial, RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { relay } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('a whole conversation of two EIO3 peers, frame by frame', async () => {
  const star = await openStar()
  const b = await star.join()
  const identity = await createIdentity()
  const address = `${star.prefix}/ipfs/${identity.id}`
  const dial = randomUUID()
  const a = new RawPeer(star.url)

  expect(await a.next()).toMatch(
    /^0\{"sid":"[\w-]{20}","upgrades":\[\],"pingInterval":25000,"pingTimeout":60000,"maxPayload":980000\}$/
  )
  expect(await a.next()).toBe('40')

  a.send(`420["ss-join","${address}","${identity.publicKeyHex}"]`)
  const [, nonce] = /^430\[null,"([\x20-\x7e]+)"\]$/.exec(String(await a.next())) ?? []
  a.send(`421["ss-join","${address}","${await identity.sign(String(nonce))}"]`)
  expect(await a.next()).toBe(`431[null,null,["${b.address}"]]`)
  expect(await b.next()).toBe(`42["ws-peer","${address}"]`)

  a.send(`422["ss-dial","${address}","${b.address}","${dial}"]`)
  const [, ack] = new RegExp(`^42(\\d+)\\["ss-incomming","${dial}","${address}"\\]$`).exec(String(await b.next())) ?? []
  await a.settle()
  expect(a.unread).toEqual([])

  b.send(`42["socket.io-pull-stream.accept.${dial}.dialer"]`)
  expect(await a.next()).toBe(`42["socket.io-pull-stream.accept.${dial}.dialer"]`)
  b.send(`43${ack}[]`)
  expect(await a.next()).toBe('432[]')
  a.send(`42["socket.io-pull-stream.accept.${dial}.listener"]`)
  expect(await b.next()).toBe(`42["socket.io-pull-stream.accept.${dial}.listener"]`)

  const header = `451-["socket.io-pull-stream.queue.${dial}.dialer",{"_placeholder":true,"num":0}]`
  a.send(header, Buffer.from('\x04hello'))
  expect(await b.next()).toBe(header)
  expect(await b.next()).toEqual(Buffer.from('\x04hello'))

  a.send(`42["socket.io-pull-stream.error.${dial}.dialer",true]`)
  expect(await b.next()).toBe(`42["socket.io-pull-stream.error.${dial}.dialer",true]`)
  b.send(`42["socket.io-pull-stream.error.${dial}.listener",true]`)
  expect(await a.next()).toBe(`42["socket.io-pull-stream.error.${dial}.listener",true]`)

  a.send('2')
  expect(await a.next()).toBe('3')
  await a.leave()
  await b.settle()
  expect(a.unread).toEqual([])
  expect(b.unread).toEqual([])
})

test('a newcomer is announced before its join is answered', async () => {
  const star = await openStar()
  const other = await star.join()
  const newcomer = await star.join()
  const dialled = newcomer.dial(other.address)
  expect(await other.next()).toBe(`42["ws-peer","${newcomer.address}"]`)
  expect(await other.next()).toMatch(/^42\d+\["ss-incomming"/)
  other.send('430[]')
  newcomer.wire.close()
  await expect(dialled).rejects.toThrow('closed')
})

test.for([
  { revision: '3', name: 'RSA' },
  { revision: '3', name: 'secp256k1' },
  { revision: '4', name: 'Ed25519' }
] as const)('a peer of EIO$revision joins with a key of type $name', async ({ revision, name }) => {
  const star = await openStar()
  const peer = await star.connect({ eio: revision })
  const identity = await createIdentity(name)
  expect(await peer.join(identity, star.prefix)).toEqual([])
  expect(peer.address.endsWith(`/ipfs/${identity.id}`)).toBe(true)
})

test('a public key may come in base64', async () => {
  const star = await openStar()
  const peer = await star.connect()
  const identity = await createIdentity()
  const address = `${star.prefix}/ipfs/${identity.id}`
  const [error, nonce] = await peer.request('ss-join', address, Buffer.from(identity.publicKey).toString('base64'))
  expect(error).toBeNull()
  expect(await peer.finishJoin(address, await identity.sign(String(nonce)))).toEqual([])
})

test('the nonce names the address it is for, and no two are alike', async () => {
  const star = await openStar()
  const [peer, identity] = [await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const first = await peer.challenge(identity, address)
  expect(first).toContain(identity.id)
  await expect(peer.finishJoin(address, '00')).rejects.toThrow('Signature Invalid')
  expect(await peer.challenge(identity, address)).not.toBe(first)
})

test('a peer is told of the others under its own name for the star, and of its own id under none', async () => {
  const star = await openStar()
  const first = await star.join()
  const [second, identity] = [await star.connect(), await createIdentity()]
  const prefix = star.prefix.replace('/ip4/127.0.0.1', '/dns4/localhost')
  const firstId = first.address.slice(star.prefix.length)
  expect(await second.join(identity, prefix)).toEqual([`${prefix}${firstId}`])
  expect(await first.next()).toBe(`42["ws-peer","${star.prefix}/ipfs/${identity.id}"]`)
  const { near, far } = await openDial(first, second)
  await relay(near, far)
})

test('everyone is announced again and again, until they leave', async () => {
  const star = await openStar({ discovery: { interval: 50 } })
  const stays = await star.join()
  const leaves = await star.join()
  for (const peer of [stays, leaves]) {
    const other = peer === stays ? leaves : stays
    await peer.until('three announcements', () => (peer.announced.length >= 3 ? true : undefined))
    expect(new Set(peer.announced)).toEqual(new Set([other.address]))
  }
  await leaves.leave()
  await star.counted('one session', (stats) => stats.sessions === 1)
  await stays.settle()
  const before = stays.announced.length
  // Nothing tells of an announcement that does not come: several intervals without one.
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(stays.announced.length).toBe(before)
})

test('an empty chunk is relayed as a bare 04', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  near.write(Buffer.of())
  await far.received(1)
  expect(listener.frames.at(-1)).toEqual(Buffer.of(4))
})

test.for(['3', '4'] as const)('a large message in continuation frames is relayed, EIO%s', async (eio) => {
  const star = await openStar()
  const [dialer, listener] = [await star.join({ eio }), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  const chunk = randomBytes(900_000)
  dialer.send(`451-["socket.io-pull-stream.queue.${near.sends}",{"_placeholder":true,"num":0}]`)
  dialer.webSocket.sendFragmented(dialer.binary(chunk), 131_000)
  expect((await far.received(1))[0]?.equals(chunk)).toBe(true)
})

test('chunks and the goodbye in one TCP segment: all arrive, in order, before the end', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  const chunks = Array.from({ length: 10 }, (_, number) => Buffer.from(`chunk ${number}`))
  dialer.webSocket.tcp.cork()
  near.write(...chunks)
  dialer.send('41')
  dialer.webSocket.tcp.uncork()
  await far.ended()
  expect(far.chunks).toEqual(chunks)
})

test('chunks, the end of the stream and the goodbye in one TCP segment: the end is a normal one', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  dialer.webSocket.tcp.cork()
  near.write(Buffer.from('last words'))
  near.end(true)
  dialer.send('41')
  dialer.webSocket.tcp.uncork()
  expect(await far.ended()).toEqual([true])
  expect(far.chunks).toEqual([Buffer.from('last words')])
})

test('the party that is left is told that the other has gone', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  listener.wire.close()
  // As the old server told it: a normal end.
  expect(await near.ended()).toEqual([true])
  expect(near.chunks).toEqual([])
  expect(far.chunks).toEqual([])
  const { streams } = await star.counted('no streams', (stats) => stats.streams === 0)
  expect(streams).toBe(0)
})

const goodbyes: Record<string, (peer: RawPeer) => void> = {
  'an ss-leave': (peer) => peer.emit('ss-leave', peer.address),
  'a DISCONNECT': (peer) => peer.send('41'),
  'the close frame of a browser': (peer) => peer.webSocket.sayGoodbye(1001),
  'no goodbye at all': (peer) => peer.wire.close()
}

test.for(Object.keys(goodbyes))('a peer that leaves with %s is found by nobody', async (name) => {
  const star = await openStar()
  const [leaver, caller] = [await star.join(), await star.join()]
  goodbyes[name]?.(leaver)
  await star.counted('one peer', ({ peers }) => peers === 1)
  await expect(caller.dial(leaver.address)).rejects.toThrow(/^Peer not found$/)
  expect(await (await star.connect()).join(await createIdentity(), star.prefix)).toEqual([caller.address])
})

test('a client that reconnects first sends what it had kept: it is told that it has to join', async () => {
  const star = await openStar()
  const [other, before, identity] = [await star.join(), await star.connect(), await createIdentity()]
  await before.join(identity, star.prefix)
  const { near } = await openDial(before, other)
  before.wire.close()
  const after = await star.connect()
  after.send(
    `42["socket.io-pull-stream.error.${near.sends}",true]`,
    `421["ss-dial","${before.address}","${other.address}","${randomUUID()}"]`
  )
  expect(await after.next()).toBe('431["Not authorized for this address"]')
  expect(await after.join(identity, star.prefix)).toEqual([other.address])
  const again = await openDial(after, other)
  await relay(again.near, again.far)
})
