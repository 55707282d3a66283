import { strict as assert } from 'node:assert'
import { EVENTS } from '@websocket-star/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LocalStar } from '../../src/cluster/local-backplane.js'
import { eventText } from '../../src/codec/packet.js'
import type { Claim } from '../../src/registry/claim.js'
import { isOwnedElsewhere, ownerOf } from '../../src/registry/peer-entry.js'
import { address, OTHER_PREFIX } from '../support/addresses.js'
import type { RecordingSessionEntry } from '../support/session-entry.js'
import { settled, TestNode } from '../support/nodes.js'

const ALICE = address(1)

let star: LocalStar
let near: TestNode
let far: TestNode

beforeEach(async () => {
  star = new LocalStar()
  near = await new TestNode(star, 'near').start()
  far = await new TestNode(star, 'far').start()
})

afterEach(() => {
  assert.deepEqual([...near.faults, ...far.faults], [])
})

/** Returns the node that each node takes for the owner's. */
function ownersOf(key: string): (string | undefined)[] {
  return [near, far].map(({ registry, backplane }) => {
    const entry = registry.byKey(key)
    const owner = entry === undefined ? undefined : ownerOf(entry)
    if (owner === undefined) return undefined
    return 'sessionEntry' in owner ? backplane.node : owner.node
  })
}

function wasTold({ recording }: RecordingSessionEntry, event: string): boolean {
  return recording.texts.includes(eventText(event, [ALICE.canonical]))
}

describe('a peer that joins', () => {
  test('is there for all nodes, and gone for all when it leaves', async () => {
    const alice = near.join('alice', ALICE)
    await settled()
    expect(ownersOf(ALICE.peerId ?? '')).toEqual([near.backplane.node, near.backplane.node])
    expect(far.registry.size).toBe(1)
    near.lose(alice)
    await settled()
    expect([near.registry.size, far.registry.size]).toEqual([0, 0])
  })

  test('is announced by the other nodes, once', async () => {
    const listener = far.join('listener', address(2))
    const alice = near.join('alice', ALICE)
    await settled()
    const announced = eventText(EVENTS.peer, [ALICE.legacy])
    expect(listener.recording.texts.filter((text) => text === announced)).toHaveLength(1)
    near.ownership.claim(alice, address(1, OTHER_PREFIX))
    await settled()
    expect(listener.recording.texts.filter((text) => text === announced)).toHaveLength(1)
  })

  test('before a node starts is there for that node too', async () => {
    near.join('alice', ALICE)
    const third = await new TestNode(star, 'third').start()
    expect(third.registry.size).toBe(1)
    await third.backplane.stop()
  })

  test('without a peer id is called what it joined with', async () => {
    const listener = far.join('listener', address(2))
    const nameless = {
      ...ALICE,
      peerId: undefined,
      canonical: '/dns4/a/tcp/1',
      legacy: '/dns4/a/tcp/1',
      prefix: undefined
    }
    near.join('nameless', nameless)
    await settled()
    expect(listener.recording.texts).toContain(eventText(EVENTS.peer, ['/dns4/a/tcp/1']))
  })
})

describe('a peer that joins elsewhere', () => {
  test('is owned there, and the previous owner is told', async () => {
    const before = near.join('alice', ALICE)
    await settled()
    const after = far.join('alice again', ALICE)
    await settled()
    expect(ownersOf(ALICE.peerId ?? '')).toEqual([far.backplane.node, far.backplane.node])
    expect([wasTold(before, EVENTS.taken), wasTold(after, EVENTS.taken)]).toEqual([true, false])
    expect([near.registry.size, far.registry.size]).toEqual([1, 1])
  })

  test('and leaves goes back to the previous owner, if that answers', async () => {
    const before = near.join('alice', ALICE)
    await settled()
    const after = far.join('alice again', ALICE)
    await settled()
    for (const probe of before.recording.probes.splice(0)) probe.settle(true)
    far.lose(after)
    await settled()
    for (const probe of before.recording.probes.splice(0)) probe.settle(true)
    await settled()
    expect(ownersOf(ALICE.peerId ?? '')).toEqual([near.backplane.node, near.backplane.node])
    expect(wasTold(before, EVENTS.held)).toBe(true)
  })

  test('and leaves is offline, if the previous owner does not answer', async () => {
    const before = near.join('alice', ALICE)
    await settled()
    const after = far.join('alice again', ALICE)
    await settled()
    for (const probe of before.recording.probes.splice(0)) probe.settle(false)
    await settled()
    expect(before.addresses.size).toBe(0)
    far.lose(after)
    await settled()
    expect([near.registry.size, far.registry.size]).toEqual([0, 0])
  })

  test('is still owned there when the previous owner leaves', async () => {
    const before = near.join('alice', ALICE)
    await settled()
    far.join('alice again', ALICE)
    await settled()
    near.lose(before)
    await settled()
    expect(ownersOf(ALICE.peerId ?? '')).toEqual([far.backplane.node, far.backplane.node])
  })

  test('at the same moment has one owner, and all nodes agree', async () => {
    near.join('alice', ALICE)
    far.join('alice too', ALICE)
    await settled()
    expect(ownersOf(ALICE.peerId ?? '')).toEqual([far.backplane.node, far.backplane.node])
    const entry = near.registry.byKey(ALICE.peerId ?? '')
    expect(entry !== undefined && isOwnedElsewhere(entry)).toBe(true)
  })
})

test('a claim that is quicker than the news of an earlier one is not undone by it', async () => {
  const first = near.join('alice', ALICE)
  const second = far.join('alice too', ALICE)
  far.lose(second)
  near.lose(first)
  await settled()
  expect([near.registry.size, far.registry.size]).toEqual([0, 0])
})

test('a claim that turns out to be older than one that has been given up meanwhile is made again', async () => {
  const key = ALICE.peerId ?? ''
  const claims: Claim[] = []
  near.backplane.claim = (claim) => void claims.push(claim)
  const alice = near.join('alice', ALICE)
  near.ownership.claimElsewhere({ key, node: 'far', generation: 6, address: ALICE.canonical })
  near.ownership.releaseElsewhere(key, 6)
  for (const claim of claims) {
    claim.win(5)
    claim.settle()
  }
  await settled()
  for (const probe of alice.recording.probes.splice(0)) probe.settle(true)
  await settled()
  expect(claims.map(({ onlyIfFree }) => onlyIfFree)).toEqual([false, true])
})

test('a snapshot replaces what was known, even by an older claim', () => {
  const key = ALICE.peerId ?? ''
  const before = { key, node: 'far', generation: 6, address: ALICE.canonical }
  near.ownership.claimElsewhere(before)
  near.ownership.claimElsewhere({ ...before, node: 'third', generation: 5 })
  expect(near.registry.byKey(key)?.remote).toEqual(before)
  near.ownership.reconcileElsewhere([{ ...before, node: 'third', generation: 5 }])
  expect(near.registry.byKey(key)?.remote).toMatchObject({ node: 'third', generation: 5 })
})

test('another node can be asked whether a client is there', async () => {
  const alice = near.join('alice', ALICE)
  await settled()
  const owner = far.ownership.ownerOf(ALICE)
  if (owner === undefined) throw new Error('The peer has no owner')
  const answer = far.ownership.isOnline(owner)
  await settled()
  alice.recording.probes[0]?.settle(true)
  expect(await answer).toBe(true)
  const second = far.ownership.isOnline(owner)
  await near.backplane.stop()
  expect(await second).toBe(false)
})

test('the peers of a node are offline when it stops', async () => {
  near.join('alice', ALICE)
  await settled()
  await near.backplane.stop()
  await settled()
  expect(far.registry.size).toBe(0)
})

test('peers of all nodes come and go, and what each node knows is what there is', async () => {
  const nodes = [near, far, await new TestNode(star, 'third').start()]
  const sessionEntries: { node: TestNode; sessionEntry: RecordingSessionEntry; key: string }[] = []
  let seed = 7
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (let step = 0; step < 600; step++) {
    const node = nodes[random(nodes.length)] ?? near
    if (sessionEntries.length > 0 && random(2) === 0) {
      const [gone] = sessionEntries.splice(random(sessionEntries.length), 1)
      gone?.node.lose(gone.sessionEntry)
    } else {
      const joined = address(1 + random(8))
      sessionEntries.push({ node, sessionEntry: node.join(`client ${step}`, joined), key: joined.peerId ?? '' })
    }
    // Whoever is asked answers.
    if (random(3) === 0) await settled()
    for (const { sessionEntry } of sessionEntries)
      for (const probe of sessionEntry.recording.probes.splice(0)) probe.settle(true)
  }
  for (let round = 0; round < 10; round++) {
    await settled()
    for (const { sessionEntry } of sessionEntries)
      for (const probe of sessionEntry.recording.probes.splice(0)) probe.settle(true)
  }
  const there = new Set(
    sessionEntries.filter(({ sessionEntry }) => sessionEntry.addresses.size > 0).map(({ key }) => key)
  )
  for (const node of nodes) {
    expect([...node.registry.peers()].map(({ key }) => key).toSorted()).toEqual([...there].toSorted())
    for (const key of there) {
      const entry = node.registry.byKey(key)
      const owner = entry === undefined ? undefined : ownerOf(entry)
      const ownerNode = owner !== undefined && 'sessionEntry' in owner ? node.backplane.node : owner?.node
      expect(ownerNode).toBe(star.lookup(key)?.node)
    }
  }
  await nodes[2]?.backplane.stop()
})
