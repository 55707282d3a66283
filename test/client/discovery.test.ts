import { within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import type { PeerChange } from '@websocket-star/client'
import { startStar } from '../support/star.js'
import { failure, joinClient, openClient, untilPeers } from '../support/star-client.js'

describe('who is there', () => {
  test('is known after joining, and kept up to date', async () => {
    await using star = await startStar()
    const [alice, bob] = [await joinClient(star), await joinClient(star)]
    await untilPeers(bob, 'alice', () => bob.peers.has(alice.peerId))
    await untilPeers(alice, 'bob', () => alice.peers.has(bob.peerId))
    expect([...alice.peers]).toEqual([{ id: bob.peerId, addresses: [`${star.multiaddr}/p2p/${bob.peerId}`] }])
    await bob.close()
    await untilPeers(alice, 'the leave of bob', () => !alice.peers.has(bob.peerId))
    expect(alice.peers.size).toBe(0)
  })

  test('cannot be changed by users', async () => {
    await using star = await startStar()
    const { peers } = await joinClient(star)
    const members = [...Object.keys(peers), ...Object.getOwnPropertyNames(Object.getPrototypeOf(peers))]
    expect(members.toSorted()).toEqual(['changes', 'constructor', 'get', 'has', 'size'])
  })

  test('never is oneself', async () => {
    await using star = await startStar()
    const clients = await Promise.all(Array.from({ length: 10 }, () => joinClient(star)))
    for (const client of clients) {
      await untilPeers(client, 'nine others', () => client.peers.size === 9)
      expect(client.peers.has(client.peerId)).toBe(false)
    }
  })

  test('comes as an async iterable: those there first, then each change', async () => {
    await using star = await startStar()
    const [alice, bob] = [await joinClient(star), await joinClient(star)]
    await untilPeers(alice, 'bob', () => alice.peers.has(bob.peerId))
    const seen: string[] = []
    const changes = alice.peers.changes()
    const next = async (): Promise<PeerChange> => (await within('a change', changes.next())).value as PeerChange
    const note = ({ type, peer }: PeerChange): number => seen.push(`${type} ${peer.id}`)
    note(await next())
    const carol = await joinClient(star)
    note(await next())
    await bob.close()
    note(await next())
    expect(seen).toEqual([`joined ${bob.peerId}`, `joined ${carol.peerId}`, `left ${bob.peerId}`])
    await alice.close()
    for (let end = await changes.next(); end.done !== true; end = await changes.next());
  })

  test('a reader that comes late is told the result, not what was undone', async () => {
    await using star = await startStar()
    const alice = await joinClient(star)
    const changes = alice.peers.changes()
    const bob = await joinClient(star)
    await untilPeers(alice, 'bob', () => alice.peers.has(bob.peerId))
    await bob.close()
    await untilPeers(alice, 'his leave', () => !alice.peers.has(bob.peerId))
    const carol = await joinClient(star)
    expect((await within('a change', changes.next())).value).toMatchObject({
      type: 'joined',
      peer: { id: carol.peerId }
    })
  })

  test('a loop ends with its signal', async () => {
    await using star = await startStar()
    const alice = await joinClient(star)
    const stop = new AbortController()
    const loop = failure(
      (async () => {
        for await (const _ of alice.peers.changes({ signal: stop.signal }));
      })()
    )
    stop.abort(new Error('seen enough'))
    expect((await loop).message).toBe('seen enough')
  })
})

test('a hundred clients all know each other, and all are forgotten', async () => {
  await using star = await startStar()
  const clients = await Promise.all(Array.from({ length: 100 }, () => joinClient(star)))
  for (const client of clients) await untilPeers(client, 'the others', () => client.peers.size === 99)
  const [first, ...others] = clients
  await Promise.all(others.map((client) => client.close()))
  if (first !== undefined) await untilPeers(first, 'an empty star', () => first.peers.size === 0)
  expect(star.server.stats().peers).toBe(1)
})

test('limits that the server announces are shown', async () => {
  await using star = await startStar({ limits: { messageSize: 500_000 } })
  const client = await openClient(star)
  expect(client.servers).toEqual([])
  await client.join()
  expect(client.servers[0]?.limits).toMatchObject({ messageSize: 500_000 })
})
