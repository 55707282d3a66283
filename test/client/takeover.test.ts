import { expect, test } from 'vitest'
import { keyFromSeed, type StarClient } from '@websocket-star/client'
import { startStar } from '../support/star.js'
import { accepting, joinClient, untilStatus } from '../support/star-client.js'

const SEED = new Uint8Array(32).fill(7)

test('of two clients with one key the newer is dialled; when it leaves, the older is again', async () => {
  await using star = await startStar()
  const privateKey = await keyFromSeed(SEED)
  const [caller, older] = [await joinClient(star), await joinClient(star, { privateKey })]
  const newer = await joinClient(star, { privateKey })
  await untilStatus(older, 'word of the other', () => older.servers[0]?.state === 'taken-over')
  const [atOlder, atNewer] = [accepting(older), accepting(newer)]

  await caller.dial(newer.peerId)
  expect((await atNewer.next()).remotePeerId).toBe(caller.peerId)

  await newer.close()
  await untilStatus(older, 'its return', () => older.servers[0]?.state === 'joined')
  await caller.dial(older.peerId)
  expect((await atOlder.next()).remotePeerId).toBe(caller.peerId)
})

test('one that was taken from does not fight for the peer', async () => {
  await using star = await startStar()
  const privateKey = await keyFromSeed(SEED)
  const older = await joinClient(star, { privateKey })
  const newer = await joinClient(star, { privateKey })
  await untilStatus(older, 'word of the other', () => older.servers[0]?.state === 'taken-over')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(newer.servers[0]?.state).toBe('joined')
  expect(star.server.stats().joins).toMatchObject({ failure: 0, success: 2 })
})

test('of six clients with one key the newest is joined, and the others stay taken over', async () => {
  await using star = await startStar({ join: { deadline: 1_000 } })
  const privateKey = await keyFromSeed(SEED)
  const clients: StarClient[] = []
  for (let count = 0; count < 6; count++) clients.push(await joinClient(star, { privateKey }))
  const states = (): string[] => clients.map(({ servers }) => servers[0]?.state ?? '')
  const expected = [...Array.from({ length: 5 }, () => 'taken-over'), 'joined']
  await Promise.all(
    clients.slice(0, -1).map((client) => {
      return untilStatus(client, 'word of the next one', () => client.servers[0]?.state === 'taken-over')
    })
  )
  // More than a session without an address may stay.
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect(states()).toEqual(expected)
  expect(clients.map(({ state }) => state)).toEqual(expected)
  expect(star.server.stats()).toMatchObject({ sessions: 6, peers: 1, closed: {}, joins: { success: 6 } })

  for (const client of clients.splice(1)) await client.close()
  for (const client of clients) {
    await untilStatus(client, 'its return', () => client.servers[0]?.state === 'joined')
  }
})
