import { connectRaw, eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { joinLegacy, LegacyNode, refusal } from '../support/legacy.js'
import { createIdentity } from '../support/raw-identity.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'
import { peerIdOf } from '../support/generations.js'

/** The figures at `/metrics`, by name and labels. */
async function readMetrics({ url }: { url: string }): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const samples = text.matchAll(/^([a-z]\w*(?:\{.*\})?) (\S+)$/gm)
  return Object.fromEntries([...samples].map(([, name, value]) => [name, Number(value)]))
}

/** The figures of the old server, and those of relayed chunks. */
async function countsOf(star: { url: string }) {
  const metrics = await readMetrics(star)
  const attempts = (what: string) => ({
    total: metrics[`rendezvous_${what}_total`],
    success: metrics[`rendezvous_${what}_total_success`],
    failure: metrics[`rendezvous_${what}_total_failure`]
  })
  return {
    peers: metrics['rendezvous_peers'],
    joins: attempts('joins'),
    dials: attempts('dials'),
    relayed: {
      chunks: metrics['rendezvous_relayed_chunks_total'],
      bytes: metrics['rendezvous_relayed_bytes_total']
    }
  }
}

const nothing = { total: 0, success: 0, failure: 0 }

describe('the metrics count', () => {
  test('nothing before there is anything', async () => {
    await using star = await startStar()
    expect(await countsOf(star)).toEqual({
      peers: 0,
      joins: nothing,
      dials: nothing,
      relayed: { chunks: 0, bytes: 0 }
    })
  })

  test('real clients that join, and those that leave', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob', version: '0.9.0' })
    expect(await countsOf(star)).toMatchObject({ peers: 2, joins: { total: 2, success: 2, failure: 0 } })

    await alice.close()
    await eventually('alice to be gone', async () => (await countsOf(star)).peers === 1)
    await bob.close()
    await eventually('bob to be gone', async () => (await countsOf(star)).peers === 0)
    expect(await countsOf(star)).toMatchObject({ joins: { total: 2, success: 2, failure: 0 } })
  })

  test('real clients that are not let in', async () => {
    await using star = await startStar()
    await using nobody = await LegacyNode.create({ star: star.multiaddr, name: 'alice', id: null })
    expect(await refusal(nobody.listen())).toBe('Crypto Challenge required but no Id provided')
    await using liar = await LegacyNode.create({ star: star.multiaddr, name: 'alice', id: await peerIdOf('bob') })
    expect(await refusal(liar.listen())).toBe('Id is not matching')
    expect(await countsOf(star)).toMatchObject({ peers: 0, joins: { total: 2, success: 0, failure: 2 } })
    expect(await readMetrics(star)).toMatchObject({
      'rendezvous_refused_total{reason="challenge required"}': 1,
      'rendezvous_refused_total{reason="id mismatch"}': 1
    })
  })

  test('a signature that is wrong as the old server did: both rounds, and one failure', async () => {
    await using star = await startStar()
    const [peer, identity, other] = [await connectRaw(star.url), await createIdentity(), await createIdentity()]
    const address = `${star.multiaddr}/ipfs/${identity.id}`
    const nonce = await peer.challenge(identity, address)
    expect(await countsOf(star)).toMatchObject({ joins: { total: 1, success: 0, failure: 0 } })
    expect(await refusal(peer.finishJoin(address, await other.sign(nonce)))).toBe('Signature Invalid')
    expect(await countsOf(star)).toMatchObject({ joins: { total: 2, success: 0, failure: 1 } })
  })

  test('a join under an address that is not let in as one that failed', async () => {
    await using star = await startStar()
    const peer = await connectRaw(star.url)
    expect(await peer.request('ss-join', '/ip4/192.0.2.1/tcp/4001', '')).toEqual(['Invalid multiaddr'])
    expect(await countsOf(star)).toMatchObject({ joins: { total: 1, success: 0, failure: 1 } })
  })

  test('no failures that are not among all joins', async () => {
    await using star = await startStar({ limits: { joinRoundsPerSecond: 1 } })
    const peer = await connectRaw(star.url)
    const requests = [[], [12], ['nowhere', ''], ...Array.from({ length: 10 }, () => ['/ip4/192.0.2.1/tcp/4001', ''])]
    const answers = await Promise.all(requests.map((args) => peer.request('ss-join', ...args)))
    expect(answers.flat()).toContain('Too many requests')
    const { joins } = await countsOf(star)
    expect(joins.total).toBe(Number(joins.success) + Number(joins.failure))
  })

  test('dials of real clients, and what they relay', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const chunks = randomChunks(500_000)
    expect(await roundTrip(chunks, await bob.dial(alice.address))).toEqual(intact)
    expect(await roundTrip([Buffer.from('hello')], await alice.dial(bob.address))).toEqual(intact)
    const nobody = `${star.multiaddr}/ipfs/${(await peerIdOf('carol')).toB58String()}`
    expect(await refusal(bob.dial(nobody))).toBe('Peer not found')

    expect(await countsOf(star)).toEqual({
      peers: 2,
      joins: { total: 2, success: 2, failure: 0 },
      dials: { total: 3, success: 2, failure: 1 },
      // there and back
      relayed: { chunks: 2 * (chunks.length + 1), bytes: 2 * (500_000 + 5) }
    })
  })

  test('dials that the other side refuses, or that nobody may make', async () => {
    await using star = await startStar()
    const [caller, callee] = [await connectRaw(star.url), await connectRaw(star.url)]
    for (const peer of [caller, callee]) await peer.join(await createIdentity(), star.multiaddr)
    const answered = callee.answer('busy')
    expect(await refusal(caller.dial(callee.address))).toBe('busy')
    await answered
    expect(await refusal(caller.dial(caller.address, 'self'))).toBe('Cannot dial own peer')
    expect(await refusal(caller.dial(callee.address, 'fake', callee.address))).toBe('Not authorized for this address')
    expect(await countsOf(star)).toMatchObject({ dials: { total: 3, success: 0, failure: 3 } })
  })
})

test('the metrics are what stats() says', async () => {
  await using star = await startStar()
  await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
  expect(await roundTrip(randomChunks(10_000), await bob.dial(alice.address))).toEqual(intact)
  const peer = await connectRaw(star.url)
  await peer.request('ss-join', 'nowhere', '')
  peer.emit('no such event')
  const notItsOwn = `${star.multiaddr}/ipfs/${(await createIdentity()).id}`
  expect(await refusal(peer.challenge(await createIdentity(), notItsOwn))).toBe('Id is not matching')

  const stats = star.server.stats()
  const metrics = await readMetrics(star)
  expect(metrics).toMatchObject({
    rendezvous_sessions: stats.sessions,
    rendezvous_streams: stats.streams,
    rendezvous_pending_challenges: stats.pendingChallenges,
    rendezvous_announcements_total: stats.announcements,
    'rendezvous_discovery_bytes_total{kind="newcomers"}': stats.discoveryBytes.newcomers,
    'rendezvous_discovery_bytes_total{kind="answers"}': stats.discoveryBytes.answers,
    'rendezvous_refused_total{reason="address"}': stats.refused.address,
    'rendezvous_refused_total{reason="id mismatch"}': stats.refused['id mismatch'],
    'rendezvous_dropped_total{reason="unknown event"}': stats.dropped['unknown event']
  })
  for (const kind of ['newcomers', 'answers'] as const) expect(stats.discoveryBytes[kind]).toBeGreaterThan(0)
  expect(stats).toMatchObject({ refused: { address: 1, 'id mismatch': 1 }, dropped: { 'unknown event': 1 } })
  const { peers, joins, dials, relayed } = stats
  expect(await countsOf(star)).toEqual({ peers, joins, dials, relayed })
})

test('two servers in one process each have their own', async () => {
  await using one = await startStar()
  await using other = await startStar()
  const peer = await connectRaw(one.url)
  await peer.join(await createIdentity(), one.multiaddr)
  expect(await countsOf(one)).toMatchObject({ peers: 1, joins: { total: 1, success: 1 } })
  expect(await countsOf(other)).toMatchObject({ peers: 0, joins: nothing })
})

test('a server that is started again keeps its counts', async () => {
  await using star = await startStar()
  const { server, multiaddr } = star
  const peer = await connectRaw(star.url)
  await peer.join(await createIdentity(), multiaddr)
  await server.stop()
  await server.start()
  expect(await countsOf(server.address())).toMatchObject({ peers: 0, joins: { total: 1, success: 1 } })
  await server.stop()
})
