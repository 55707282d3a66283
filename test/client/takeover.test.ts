import { expect, test } from 'vitest'
import { keyFromSeed } from '@websocket-star/client'
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
