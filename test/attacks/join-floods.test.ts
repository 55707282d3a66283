import { openDial, type RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { createIdentities, createIdentity } from '../support/raw-identity.js'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

/** Sends many requests together; their answers, in the order of the requests. */
async function requestAll(peer: RawPeer, requests: readonly unknown[][]): Promise<unknown[][]> {
  const first = 1_000_000
  peer.send(...requests.map((request, index) => `42${first + index}${JSON.stringify(request)}`))
  const answers: unknown[][] = []
  await peer.until(`${requests.length} answers`, () => {
    for (const packet of peer.unread.splice(0)) {
      const match = /^43(\d+)(\[.*)/s.exec(String(packet))
      if (match !== null) answers[Number(match[1]) - first] = JSON.parse(String(match[2])) as unknown[]
    }
    return Object.keys(answers).length === requests.length ? true : undefined
  })
  return answers
}

test('of 2,000 addresses on one connection eight are held', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1_000_000, workPerSession: 1_000_000 } })
  const pair = await wellBehavedPair(star)
  const [attacker, identities] = [await star.connect(), await createIdentities(8)]
  for (const identity of identities) {
    await attacker.join(identity, star.prefix)
  }
  const ninth = await createIdentity()
  const prefixes = Array.from({ length: 1992 }, (_, host) => `/dns4/host-${host}.example/tcp/80/ws/p2p-websocket-star`)
  const answers = await requestAll(
    attacker,
    prefixes.map((prefix) => ['ss-join', `${prefix}/ipfs/${ninth.id}`, ninth.publicKeyHex])
  )
  expect(new Set(answers.flat())).toEqual(new Set(['Too many addresses on one connection']))
  expect(star.server.stats()).toMatchObject({ peers: 10, refused: { 'address limit': 1992 }, pendingChallenges: 0 })
  expect(new Set(pair.listener.announced)).toEqual(new Set(attacker.addresses))
  await pair.check()
})

test('the same address joined 20,000 times is joined, announced and listed once', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1_000_000, workPerSession: 1_000_000 } })
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  const announcements = star.server.stats().announcements
  const spellings = [attacker.address, attacker.address.replace('/ipfs/', '/p2p/'), `${attacker.address}/`]
  for (let batch = 0; batch < 20; batch++) {
    const requests = Array.from({ length: 1000 }, (_, index) => ['ss-join', spellings[index % 3], ''])
    const answers = await requestAll(attacker, requests)
    expect(answers.every(([error, nonce, peers]) => error === null && nonce === null && Array.isArray(peers))).toBe(
      true
    )
  }
  expect(star.server.stats()).toMatchObject({ peers: 3, announcements, joins: { success: 3 } })
  expect(pair.announced().filter((address) => address === attacker.address)).toHaveLength(2)
  expect(await (await star.connect()).join(await createIdentity(), star.prefix)).toHaveLength(3)
  await pair.check()
})

test('30,000 times leave and join leave nothing behind, and do not flood the others', async () => {
  const star = await openStar({
    cryptoChallenge: false,
    limits: { joinRoundsPerSecond: 1_000_000, workPerSession: 1_000_000 }
  })
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const started = Date.now()
  for (let batch = 0; batch < 30; batch++) {
    const requests = Array.from({ length: 1000 }, () => [
      ['ss-join', address, ''],
      ['ss-leave', address]
    ]).flat()
    const answers = await requestAll(attacker, requests)
    expect(answers.filter(([error]) => error !== null)).toEqual([])
  }
  const seconds = Math.floor((Date.now() - started) / 1000) + 2
  await pair.listener.settle()
  expect(pair.listener.announced.length).toBeLessThanOrEqual(256 * seconds)
  expect(star.server.stats()).toMatchObject({ sessions: 3, peers: 2, streams: 2, joins: { success: 30_002 } })
  await attacker.finishJoin(address)
  const { near, far } = await openDial(pair.dialer, attacker)
  await relay(near, far)
  await pair.check()
})

test('joins beyond the rate are refused, and the others do not notice', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 2 } })
  const pair = await wellBehavedPair(star)
  const [attacker, identity] = [await star.connect(), await createIdentity()]
  const address = `${star.prefix}/ipfs/${identity.id}`
  const requests = Array.from({ length: 500 }, (_, round) => [
    'ss-join',
    address,
    round % 2 === 0 ? identity.publicKeyHex : '00'
  ])
  const started = Date.now()
  const answers = await requestAll(attacker, requests)
  const seconds = Math.ceil((Date.now() - started) / 1000)
  const limited = answers.filter(([error]) => error === 'Too many requests').length
  // A burst of four seconds' worth, and what came in while it went on.
  expect(limited).toBeGreaterThanOrEqual(500 - 8 - 2 * seconds)
  expect(limited).toBeLessThanOrEqual(500 - 8)
  expect(star.server.stats().refused['rate limit']).toBe(limited)
  await star.join()
  await pair.check()
})
