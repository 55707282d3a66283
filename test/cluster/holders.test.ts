import { keyFromSeed } from '@websocket-star/client'
import { openDial } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { EXTENDED } from '../support/raw-flow.js'
import { createIdentity } from '../support/raw-identity.js'
import { relay, relayBothWays } from '../support/raw-pair.js'
import { canonical, DELTAS, untilKnown } from '../support/raw-peers.js'
import { accepting, joinClient, untilStatus } from '../support/star-client.js'
import { openTwo, SHARED_BY } from './nodes.js'

describe.each(SHARED_BY)('of a peer that joins at two servers that share a star by %s', (sharedBy) => {
  test('the newer client is dialled from both, and the older is told', async () => {
    const [here, there] = await openTwo(sharedBy)
    const identity = await createIdentity()
    const callers = [await here.join(), await there.join()]
    const [older, newer] = [await here.connect(EXTENDED), await there.connect(EXTENDED)]
    await older.join(identity, here.prefix)
    await newer.join(identity, there.prefix)
    expect(await older.takeEvent('ss-taken')).toEqual([canonical(older.address)])
    for (const caller of callers) {
      const { near, far } = await openDial(caller, newer)
      await relayBothWays(near, far)
    }
  })

  test.each(['leaves', 'closes', 'is cut off'])('the older has it again when the newer %s', async (how) => {
    const [here, there] = await openTwo(sharedBy)
    const identity = await createIdentity()
    const watcher = await there.join(DELTAS)
    const [older, newer] = [await here.connect(EXTENDED), await there.connect(EXTENDED)]
    await older.join(identity, here.prefix)
    await newer.join(identity, there.prefix)
    await older.takeEvent('ss-taken')
    if (how === 'leaves') newer.emit('ss-leave', newer.address)
    else if (how === 'closes') await newer.leave()
    else newer.tcp.destroy()
    expect(await older.takeEvent('ss-held')).toEqual([canonical(older.address)])
    await untilKnown(watcher, [canonical(older.address, there.prefix)])
    const { near, far } = await openDial(watcher, older)
    await relay(near, far)
  })

  test('the older may leave, and the newer stays', async () => {
    const [here, there] = await openTwo(sharedBy)
    const identity = await createIdentity()
    const watcher = await here.join(DELTAS)
    const [older, newer] = [await here.connect(EXTENDED), await there.connect(EXTENDED)]
    await older.join(identity, here.prefix)
    await newer.join(identity, there.prefix)
    await older.takeEvent('ss-taken')
    await older.leave()
    const marker = await here.join()
    await untilKnown(watcher, [canonical(newer.address, here.prefix), canonical(marker.address)])
    const { near, far } = await openDial(watcher, newer)
    await relay(near, far)
  })

  test('and goes back and forth between them, the last one counts', async () => {
    const [here, there] = await openTwo(sharedBy)
    const privateKey = await keyFromSeed(new Uint8Array(32).fill(9))
    const caller = await joinClient(here.url)
    let last = await joinClient(here.url, { privateKey })
    for (const node of [there, here, there]) {
      const previous = last
      last = await joinClient(node.url, { privateKey })
      await untilStatus(previous, 'word of the other', () => previous.servers[0]?.state === 'taken-over')
      await previous.close()
    }
    const accepted = accepting(last)
    await caller.dial(last.peerId)
    expect((await accepted.next()).remotePeerId).toBe(caller.peerId)
  })

  test('at the same moment, one has it', async () => {
    const [here, there] = await openTwo(sharedBy)
    const watchers = [await here.join(DELTAS), await there.join(DELTAS)] as const
    const identity = await createIdentity()
    for (let round = 0; round < 5; round++) {
      const rivals = [await here.connect(EXTENDED), await there.connect(EXTENDED)] as const
      await Promise.all([rivals[0].join(identity, here.prefix), rivals[1].join(identity, there.prefix)])
      const loser = await Promise.race(
        rivals.map(async (rival) => {
          await rival.takeEvent('ss-taken')
          return rival
        })
      )
      const winner = loser === rivals[0] ? rivals[1] : rivals[0]
      for (const watcher of watchers) {
        const { near, far } = await openDial(watcher, winner)
        await relay(near, far, [100])
      }
      await loser.leave()
      await winner.leave()
      await untilKnown(watchers[0], [canonical(watchers[1].address, here.prefix)])
      await untilKnown(watchers[1], [canonical(watchers[0].address, there.prefix)])
    }
  })
})
