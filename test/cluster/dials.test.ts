import { randomUUID } from 'node:crypto'
import { openDial, RawConnection } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { relay, relayBothWays } from '../support/raw-pair.js'
import { createIdentity } from '../support/raw-identity.js'
import { openTwo, SHARED_BY } from './nodes.js'

describe.each(SHARED_BY)('a dial between servers that share a star by %s', (sharedBy) => {
  test.each([
    ['busy', 'busy'],
    [{ message: 'not today' }, 'not today'],
    [7, expect.stringMatching(/./)],
    ['long '.repeat(20_000), expect.stringMatching(/^.{1,256}$/)]
  ])('is refused with the words of the other: %.20s', async (answer, error) => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(), await there.join()]
    const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
    await callee.answer(answer)
    expect(await dialled).toEqual([error])
    await expectNoStreams(here, there)
  })

  test('of somebody who is nowhere', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, left] = [await here.join(), await there.join()]
    await left.leave()
    const { id } = await createIdentity()
    expect(await dialer.request('ss-dial', dialer.address, `${there.prefix}/ipfs/${id}`, randomUUID())).toEqual([
      'Peer not found'
    ])
    expect(await dialer.request('ss-dial', dialer.address, left.address, randomUUID())).toEqual(['Peer not found'])
  })

  test('that nobody answers ends in time, and the callee hears that nothing will come', async () => {
    const [here, there] = await openTwo(sharedBy, { dial: { ackTimeout: 300 } })
    const [dialer, callee] = [await here.join(), await there.join()]
    const id = randomUUID()
    const far = new RawConnection(callee, id, 'listener')
    expect(await dialer.request('ss-dial', dialer.address, callee.address, id)).toEqual(['Peer did not answer in time'])
    expect(await far.ended()).toEqual(['Peer did not answer in time'])
    await expectNoStreams(here, there)
  })

  test('whose callee leaves before it answers fails', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(), await there.join()]
    const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
    await callee.takeText(/"ss-incomming"/)
    callee.wire.close()
    expect(await dialled).toEqual(['Peer has left'])
    await expectNoStreams(here, there)
  })

  test('whose dialler leaves before it is answered ends at the callee', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(), await there.join()]
    const id = randomUUID()
    const far = new RawConnection(callee, id, 'listener')
    dialer.request('ss-dial', dialer.address, callee.address, id).catch(() => {})
    const incoming = await callee.takeText(/"ss-incomming"/)
    dialer.wire.close()
    expect(await far.ended()).toEqual([true])
    callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[null]`)
    await expectNoStreams(here, there)
  })

  test('has an id that is used at neither end', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, other, callee] = [await here.join(), await here.join(), await there.join()]
    const { near, far } = await openDial(dialer, callee)
    for (const [from, to] of [
      [dialer, callee],
      [dialer, other],
      [other, callee],
      [other, dialer],
      [callee, other]
    ] as const) {
      expect(await from.request('ss-dial', from.address, to.address, near.id)).toEqual(['Dial id is in use'])
    }
    await relayBothWays(near, far)
    near.end(true)
    far.end(true)
    await Promise.all([near.ended(), far.ended()])
    await expectNoStreams(here, there)
    const again = await openDial(other, callee, near.id)
    await relay(again.near, again.far)
  })

  test('of oneself is refused, wherever one is', async () => {
    const [here, there] = await openTwo(sharedBy)
    const identity = await createIdentity()
    const [older, newer] = [await here.connect(), await there.connect()]
    await older.join(identity, here.prefix)
    await newer.join(identity, there.prefix)
    for (const peer of [older, newer]) {
      expect(await peer.request('ss-dial', peer.address, `${here.prefix}/p2p/${identity.id}`, randomUUID())).toEqual([
        'Cannot dial own peer'
      ])
    }
  })

  test('names the dialler by an address that can be dialled', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(), await there.join()]
    const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
    const incoming = await callee.takeText(/"ss-incomming"/)
    const [, , from] = JSON.parse(incoming.slice(incoming.indexOf('['))) as [string, string, string]
    callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[null]`)
    await dialled
    const [back, answered] = await Promise.all([callee.dial(from), dialer.answer()])
    back.accept()
    await Promise.all([back.accepted(), answered.accepted()])
    await relay(back, answered)
  })

  test('100 at once, both ways', async () => {
    const [here, there] = await openTwo(sharedBy)
    const [dialer, callee] = [await here.join(), await there.join()]
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const [from, to] = index % 2 === 0 ? [dialer, callee] : [callee, dialer]
        const { near, far } = await openDial(from, to)
        near.write(Buffer.from(near.id))
        expect(String((await far.received(1))[0])).toBe(near.id)
        near.end(true)
        far.end(true)
        await Promise.all([near.ended(), far.ended()])
      })
    )
    await expectNoStreams(here, there)
  })
})

async function expectNoStreams(...nodes: Awaited<ReturnType<typeof openTwo>>): Promise<void> {
  for (const node of nodes)
    await node.counted('no streams', ({ streams, cluster }) => streams + (cluster?.dials ?? 0) === 0)
}
