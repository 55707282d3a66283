import type { RawPeer } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { canonical, DELTAS, untilKnown } from '../support/raw-peers.js'
import type { RawStar } from '../support/raw-star.js'
import { openTwo, SHARED_BY } from './nodes.js'

describe.each(SHARED_BY)('servers that share a star by %s', (sharedBy) => {
  test('tell those who hear of changes of all who come and leave, in whatever way', async () => {
    const [here, there] = await openTwo(sharedBy)
    const near = await here.join(DELTAS)
    const [leaver, closer, cut] = [await there.join(), await there.join(), await there.join()]
    const stayer = await there.join(DELTAS)
    await untilKnown(near, seenAt(here, [leaver, closer, cut, stayer]))
    await untilKnown(stayer, seenAt(there, [near, leaver, closer, cut]))

    leaver.emit('ss-leave', leaver.address)
    await untilKnown(near, seenAt(here, [closer, cut, stayer]))
    await closer.leave()
    await untilKnown(near, seenAt(here, [cut, stayer]))
    cut.tcp.destroy()
    await untilKnown(near, seenAt(here, [stayer]))
    await untilKnown(stayer, seenAt(there, [near]))
    await there.server.stop()
    await untilKnown(near, [])
  })

  test('tell one that joins late of all who are there', async () => {
    const [here, there] = await openTwo(sharedBy)
    const far = await Promise.all(Array.from({ length: 20 }, async () => await there.join()))
    const deltas = await here.join(DELTAS)
    await untilKnown(deltas, seenAt(here, far))
    const legacy = await here.connect()
    const told = await legacy.join(await createIdentity(), here.prefix)
    expect(told.map((address) => canonical(address)).toSorted()).toEqual(seenAt(here, [deltas, ...far]).toSorted())
  })

  test('announce those of the other as long as they are there', async () => {
    const [here, there] = await openTwo(sharedBy, { discovery: { interval: 50 } })
    const [legacy, stayer, leaver] = [await here.join(), await there.join(), await there.join()]
    await heard(legacy, [stayer, leaver], 3)
    await leaver.leave()
    await untilKnown(await here.join(DELTAS), seenAt(here, [legacy, stayer]))
    legacy.announced.length = 0
    await heard(legacy, [stayer], 3)
    expect(timesHeard(legacy, leaver)).toBe(0)
  })

  test('know one that joins at both as one peer, which is there until it has left both', async () => {
    const [here, there] = await openTwo(sharedBy)
    const watchers = [await here.join(DELTAS), await there.join(DELTAS)] as const
    const identity = await createIdentity()
    const [older, newer] = [await here.connect(), await there.connect()]
    await older.join(identity, here.prefix)
    await untilKnown(watchers[1], seenAt(there, [watchers[0], older]))
    await newer.join(identity, there.prefix)
    await newer.leave()
    await untilKnown(watchers[0], seenAt(here, [watchers[1], older]))
    await older.leave()
    await untilKnown(watchers[0], seenAt(here, [watchers[1]]))
    await untilKnown(watchers[1], seenAt(there, [watchers[0]]))
  })
})

/** How one server tells of peers, wherever they joined. */
function seenAt(node: RawStar, peers: readonly RawPeer[]): string[] {
  return peers.map(({ address }) => canonical(address, node.prefix))
}

/** Waits until each of these was announced to a peer so many times. */
async function heard(peer: RawPeer, others: readonly RawPeer[], times: number): Promise<void> {
  await peer.until('announcements', () => others.every((other) => timesHeard(peer, other) >= times) || undefined)
}

function timesHeard(peer: RawPeer, { address }: RawPeer): number {
  const id = address.slice(address.lastIndexOf('/'))
  return peer.announced.filter((announced) => announced.endsWith(id)).length
}
