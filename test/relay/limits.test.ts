import { randomUUID } from 'node:crypto'
import { openDial, type RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentities, createIdentity, type Identity } from '../support/raw-identity.js'
import { openStar, type RawStar } from '../support/raw-star.js'

/** Dials of one address that is no loopback's. */
const OUTSIDE = { forwardedFor: '203.0.113.9' }

/** What `/metrics` says of one reason. */
async function metric(star: RawStar, name: string, reason: string): Promise<number> {
  const text = await (await fetch(`${star.url}/metrics`)).text()
  const line = text.split('\n').find((line) => line.startsWith(`rendezvous_${name}{reason="${reason}"}`))
  return Number(/ (\d+)$/.exec(line ?? '')?.[1] ?? 0)
}

async function refused(star: RawStar, reason: string): Promise<number> {
  return await metric(star, 'refused_total', reason)
}

/**
 * A burst of four requests that grows by one a second.
 *
 * @returns how many of so many more are refused at least, however long they took
 */
function startBurst(): (more: number) => number {
  const begun = performance.now()
  return (more) => more - Math.ceil((performance.now() - begun) / 1000)
}

test.for(['3', '4'] as const)('messageSize: one byte more ends the connection with 1009, EIO%s', async (eio) => {
  const size = 10_000
  const star = await openStar({ limits: { messageSize: size } })
  const [dialer, listener] = [await star.join({ eio }), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  const largest = size - (eio === '3' ? 1 : 0)
  near.write(Buffer.alloc(largest))
  expect((await far.received(1))[0]?.length).toBe(largest)
  near.write(Buffer.alloc(largest + 1))
  expect(await dialer.closed).toMatchObject({ code: 1009 })
  expect(await far.ended()).toEqual([true])
  expect(far.chunks).toHaveLength(1)
  await star.counted('one end', ({ sessions }) => sessions === 1)
  expect(await metric(star, 'closed_total', 'transport error')).toBe(1)
})

test('streamsPerSession: one dial more is refused, at either end', async () => {
  const star = await openStar({ limits: { streamsPerSession: 3 } })
  const [dialer, listener, other] = [await star.join(), await star.join(), await star.join()]
  const { near } = await openDial(dialer, listener)
  await expect(dialer.dial(other.address)).rejects.toThrow(/^Too many streams$/)
  await expect(other.dial(dialer.address)).rejects.toThrow(/^Peer has too many streams$/)
  near.end(true)
  await dialer.settle()
  await openDial(dialer, other)
  expect(await refused(star, 'stream limit')).toBe(1)
  expect(await refused(star, 'stream limit of callee')).toBe(1)
})

test('unacceptedStreams: one dial more is refused, until those that wait are accepted', async () => {
  const star = await openStar({ limits: { unacceptedStreams: 3 } })
  const [dialer, listener] = [await star.join(), await star.join()]
  // Two halves wait of each.
  await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  const [near, far] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  await expect(dialer.dial(listener.address)).rejects.toThrow(/^Too many streams wait to be accepted$/)
  near.accept()
  far.accept()
  await Promise.all([dialer.settle(), listener.settle()])
  await openDial(dialer, listener)
  expect(await refused(star, 'unaccepted limit')).toBe(1)
})

test('unacceptedStreams: those that a caller leaves waiting do not keep the callee from dialling', async () => {
  const star = await openStar({ limits: { unacceptedStreams: 3 } })
  const [attacker, callee, other] = [await star.join(), await star.join(), await star.join()]
  // The callee accepts at once, the caller nothing: each dial leaves one half that the callee would send on.
  for (let i = 0; i < 3; i++) await Promise.all([attacker.dial(callee.address), callee.answer()])
  expect(star.server.stats().streams).toBe(6)
  await openDial(callee, other)
})

test('pendingDialsPerSession: one dial more is refused, until one is answered', async () => {
  const star = await openStar({ limits: { pendingDialsPerSession: 2 } })
  const [dialer, listener] = [await star.join(), await star.join()]
  const dials = [1, 2].map(async () => await dialer.dial(listener.address))
  await expect(dialer.dial(listener.address)).rejects.toThrow(/^Too many requests$/)
  await listener.answer('busy')
  await expect(Promise.race(dials)).rejects.toThrow(/^busy$/)
  const [open] = await Promise.all([Promise.any(dials), listener.answer()])
  await openDial(dialer, listener)
  expect(open.id).toBeTruthy()
  expect(await refused(star, 'dial limit')).toBe(1)
})

test('dialsPerSecond: what is more than the burst is refused', async () => {
  const star = await openStar({ limits: { dialsPerSecond: 1 } })
  const dialer = await star.join()
  const refusedOf = startBurst()
  for (let i = 0; i < 4; i++) await expect(dialer.dial(star.prefix)).rejects.toThrow(/^Peer not found$/)
  const dial = async () => await dialer.dial(star.prefix)
  const errors = await Promise.allSettled([dial(), dial(), dial(), dial(), dial(), dial()])
  const limited = errors.filter((result) => String(Object(result).reason).endsWith('Too many requests')).length
  expect(limited).toBeGreaterThanOrEqual(refusedOf(6))
  expect(await refused(star, 'rate limit')).toBe(limited)
})

test('dialsPerSecondPerIp: what is more than the burst of one address is refused, of others it is not', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { dialsPerSecondPerIp: 1 } })
  const [one, two] = [await star.join(OUTSIDE), await star.join(OUTSIDE)]
  const exempt = await star.join()
  const elsewhere = await star.join({ forwardedFor: '203.0.113.10' })
  const refusedOf = startBurst()
  for (const peer of [one, two, one, two]) await expect(peer.dial(star.prefix)).rejects.toThrow(/^Peer not found$/)
  let limited = 0
  for (let i = 0; i < 10; i++) {
    const [error] = await two.request('ss-dial', two.address, star.prefix, randomUUID())
    if (error === 'Too many requests') limited++
    for (const peer of i < 4 ? [exempt, elsewhere] : [exempt]) {
      await expect(peer.dial(star.prefix)).rejects.toThrow(/^Peer not found$/)
    }
  }
  expect(limited).toBeGreaterThanOrEqual(refusedOf(10))
  expect(await refused(star, 'rate limit')).toBe(limited)
})

test('joinRoundsPerSecondPerIp: what is more than the burst of one address is refused, of others it is not', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { joinRoundsPerSecondPerIp: 1 } })
  const [one, two] = [await star.connect(OUTSIDE), await star.connect(OUTSIDE)]
  const [exempt, elsewhere] = [await star.connect(), await star.connect({ forwardedFor: '203.0.113.10' })]
  const identities = await createIdentities(7)
  const ask = async (peer: RawPeer, index: number): Promise<unknown> => {
    const { id, publicKeyHex } = identities[index % identities.length] as Identity // there are as many
    return (await peer.request('ss-join', `${star.prefix}/ipfs/${id}`, publicKeyHex))[0]
  }
  const refusedOf = startBurst()
  for (const [index, peer] of [one, two, one, two].entries()) expect(await ask(peer, index)).toBeNull()
  let limited = 0
  for (let i = 0; i < 10; i++) {
    if ((await ask(two, 4)) === 'Too many requests') limited++
    expect(await ask(exempt, 5)).not.toBe('Too many requests')
    if (i < 4) expect(await ask(elsewhere, 6)).not.toBe('Too many requests')
  }
  expect(limited).toBeGreaterThanOrEqual(refusedOf(10))
  expect(await refused(star, 'rate limit')).toBe(limited)
})

test('sessionsPerIp: one connection more is refused', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { sessionsPerIp: 1 } })
  await star.join(OUTSIDE)
  await expect(star.connect(OUTSIDE)).rejects.toThrow('closed with')
  await star.connect()
  expect(await refused(star, 'sessions per ip')).toBe(1)
})

test.each([
  ['loopback', ['203.0.113.7:50001', '203.0.113.7:50002', '::ffff:203.0.113.7', ' 203.0.113.7 ']],
  ['1', ['203.0.113.7:50001', '198.51.100.1, 203.0.113.7', '127.0.0.1,203.0.113.7']],
  ['loopback', ['[2001:db8::1]:443', '2001:DB8::2', '"[2001:db8:0:0:1::]"']]
])(
  'sessionsPerIp, behind the proxy %s: a client is one however the proxy writes its address',
  async (proxy, spellings) => {
    const star = await openStar({ trustProxy: [proxy], limits: { sessionsPerIp: 1 } })
    const [first, ...others] = spellings
    await star.connect({ forwardedFor: first })
    for (const forwardedFor of others) await expect(star.connect({ forwardedFor })).rejects.toThrow('closed with')
    await star.connect({ forwardedFor: '192.0.2.1' })
    expect(await refused(star, 'sessions per ip')).toBe(others.length)
  }
)

test('addressesPerSession: one address more is refused', async () => {
  const star = await openStar({ limits: { addressesPerSession: 2 } })
  const [peer, identities] = [await star.connect(), await createIdentities(3)]
  const [one, two, three] = identities
  if (one === undefined || two === undefined || three === undefined) throw new Error('three were asked for')
  await peer.join(one, star.prefix)
  await peer.join(two, star.prefix)
  await expect(peer.join(three, star.prefix)).rejects.toThrow(/^Too many addresses on one connection$/)
  expect(await refused(star, 'address limit')).toBe(1)
})

test('pendingChallenges: the oldest gives way', async () => {
  const star = await openStar({ limits: { pendingChallenges: 1 } })
  const [one, two] = [await star.connect(), await star.connect()]
  const [first, second] = [await createIdentity(), await createIdentity()]
  const addresses = [first, second].map(({ id }) => `${star.prefix}/ipfs/${id}`)
  const nonces = [
    await one.challenge(first, String(addresses[0])),
    await two.challenge(second, String(addresses[1]))
  ] as const
  expect(star.server.stats().pendingChallenges).toBe(1)
  await two.finishJoin(String(addresses[1]), await second.sign(nonces[1]))
  await expect(one.finishJoin(String(addresses[0]), await first.sign(nonces[0]))).rejects.toThrow(/^Crypto error$/)
  expect(await refused(star, 'crypto')).toBe(1)
})

test('joinRoundsPerSecond: what is more than the burst is refused', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1 } })
  const peer = await star.connect()
  const errors: unknown[] = []
  const refusedOf = startBurst()
  for (let i = 0; i < 12; i++) errors.push((await peer.request('ss-join', '/nowhere', ''))[0])
  const limited = errors.filter((error) => error === 'Too many requests').length
  expect(errors.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'Invalid multiaddr'))
  expect(limited).toBeGreaterThanOrEqual(refusedOf(8))
  expect(await refused(star, 'rate limit')).toBe(limited)
})

test('join.deadline: a connection without address and stream is closed', async () => {
  const star = await openStar({ join: { deadline: 2_000 } })
  const [idle, joined] = [await star.connect(), await star.join()]
  expect(await idle.closed).toMatchObject({ code: 1008, reason: 'join deadline' })
  expect(joined.isClosed).toBe(false)
  expect(await metric(star, 'closed_total', 'join deadline')).toBe(1)
})

test('a dial id of 128 characters is taken, one of 129 is not', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  await openDial(dialer, listener, 'x'.repeat(128))
  await expect(dialer.dial(listener.address, 'x'.repeat(129))).rejects.toThrow(/^Invalid request: /)
  expect(await refused(star, 'request')).toBe(1)
})
