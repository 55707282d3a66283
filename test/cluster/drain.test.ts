import type { StarClient } from '@websocket-star/client'
import { within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { accepting, echoing, joinClient, readAll, roundTripText, untilPeers } from '../support/star-client.js'
import { Load } from './load.js'
import { openTwo, SHARED_BY } from './nodes.js'
import { ConnectionSide } from './parties.js'

describe.each(SHARED_BY)('of two servers that share a star by %s one drains', (sharedBy) => {
  test('its clients go to the other, and their streams finish', async () => {
    const [draining, staying] = await openTwo(sharedBy)
    const [mover, other] = [await joinClient(draining.url), await joinClient(staying.url)]
    const moved = movesTo(staying.url, mover)
    await untilPeers(mover, 'the other', () => mover.peers.has(other.peerId))
    const accepted = accepting(other)
    const near = await mover.dial(other.peerId)
    const far = await accepted.next()
    let goOn = (): void => {}
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const load = new Load(new ConnectionSide(near), new ConnectionSide(far), {
      bytes: 8_000_000,
      pause: (received) => (received < 1_000_000 ? undefined : gate)
    })
    await load.reached(1_000_000)
    const drained = draining.server.drain({ timeout: 60_000 })
    await within('it to move', moved)
    await staying.counted('both of them', ({ sessions }) => sessions === 2)
    goOn()
    await load.done
    await far.writable.close()
    await Promise.all([readAll(near.readable), near.closed, far.closed])
    await within('the server to stop', drained)
    for (const node of [draining, staying]) expect(node.server.stats()).toMatchObject({ reset: {}, dropped: {} })
    expect(other.peers.has(mover.peerId)).toBe(true)
    echoing(other)
    expect(await roundTripText(await mover.dial(other.peerId), 'hello')).toBe('hello')
  })
})

/** Joins another server as soon as the one it is at is about to stop. */
async function movesTo(url: string, client: StarClient): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.addEventListener('server:drain', () => client.join({ server: url }).then(() => resolve(), reject))
  })
}
