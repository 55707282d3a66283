import { describe, expect, test } from 'vitest'
import { openNodes, startThree, untilAcquainted, type BackplaneKind } from './kind.js'
import { addressOf, keyOf, type Owner, type TestNode } from './test-node.js'

const KEY = keyOf(1)
const MARK = keyOf(2)

/** Tests which claims win, and which nodes are notified. */
export function claimsSuite(kind: BackplaneKind): void {
  describe('a node that starts', () => {
    test('gets a snapshot of all peers of other nodes before its start resolves', async () => {
      const start = await openNodes(kind)
      const [first, second] = [await start(), await start()]
      const claims = [await first.own(keyOf(1)), await second.own(keyOf(2)), await first.own(keyOf(3))]
      const third = await start()
      expect(third.told[0]).toEqual(['snapshot', 3])
      expect(Array.from(third.others.values()).toSorted(byGeneration)).toEqual(
        claims.map(({ key, generation, address }, index) => {
          return { key, generation, address, node: index === 1 ? second.id : first.id }
        })
      )
      expect(third.backplane.isFenced).toBe(false)
    })

    test('has a unique id', async () => {
      const nodes = await startThree(kind)
      const ids = nodes.map(({ id }) => id)
      expect(new Set(ids).size).toBe(3)
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
    })
  })

  test('a claim gets a generation, and all other nodes are notified', async () => {
    const [first, ...others] = await startThree(kind)
    const claim = await first.own(KEY)
    expect(claim.generation).toBeGreaterThan(0)
    for (const other of others) {
      await other.untilOwned(KEY, { node: first.id, generation: claim.generation })
      expect(other.others.get(KEY)).toEqual({
        key: KEY,
        node: first.id,
        generation: claim.generation,
        address: addressOf(KEY)
      })
    }
    expect(first.others.size).toBe(0)
  })

  test('the newest claim wins on any node, and the loser is notified', async () => {
    const [first, second, third] = await startThree(kind)
    const { generation: old } = await first.own(KEY)
    const { generation } = await second.own(KEY, { address: '/dns4/other.example/ws' })
    expect(generation).toBeGreaterThan(old)
    for (const node of [first, second, third]) await node.untilOwned(KEY, { node: second.id, generation })
    expect(first.told).toContainEqual(['joined', KEY, generation])
    expect(third.others.get(KEY)?.address).toBe('/dns4/other.example/ws')
  })

  test('a node that took over a peer and released it reports no earlier owner', async () => {
    const [first, second] = await startThree(kind)
    await first.own(KEY)
    // Immediately, so that the other node may learn of the earlier claim after this one.
    const claim = await second.own(KEY)
    second.release(claim)
    await mark(first, second)
    expect(second.owner(KEY)).toBeUndefined()
    await first.untilOwned(KEY, undefined)
  })

  test('a node that claims its own peer again gets a newer generation', async () => {
    const [first, second] = await startThree(kind)
    const { generation: old } = await first.own(KEY)
    const { generation } = await first.own(KEY)
    expect(generation).toBeGreaterThan(old)
    await second.untilOwned(KEY, { node: first.id, generation })
  })

  describe('a claim that counts only if no other node owns the peer', () => {
    test('wins a peer without an owner', async () => {
      const [first, second] = await startThree(kind)
      const { generation } = await first.own(KEY, { onlyIfFree: true })
      expect(generation).toBeGreaterThan(0)
      await second.untilOwned(KEY, { node: first.id, generation })
    })

    test('wins a peer of the same node', async () => {
      const [first, second] = await startThree(kind)
      const { generation: old } = await first.own(KEY)
      const { generation } = await first.own(KEY, { onlyIfFree: true })
      expect(generation).toBeGreaterThan(old)
      await second.untilOwned(KEY, { node: first.id, generation })
    })

    test('loses to another owner, which is not notified', async () => {
      const [first, second, third] = await startThree(kind)
      const { generation } = await second.own(KEY)
      expect((await first.tryToHold(KEY, { onlyIfFree: true })).isLost).toBe(true)
      await mark(first, third)
      expect(third.told.filter(([, key]) => key === KEY)).toEqual([['joined', KEY, generation]])
      expect(await first.backplane.lookup(KEY)).toMatchObject({ node: second.id, generation })
    })

    test('wins once the other owner has left', async () => {
      const [first, second] = await startThree(kind)
      const foreign = await second.own(KEY)
      expect((await first.tryToHold(KEY, { onlyIfFree: true })).isLost).toBe(true)
      second.release(foreign)
      await first.untilOwned(KEY, undefined)
      const { generation } = await first.own(KEY, { onlyIfFree: true })
      expect(generation).toBeGreaterThan(foreign.generation)
    })
  })

  describe('a release', () => {
    test('is reported to all other nodes, with the generation', async () => {
      const [first, ...others] = await startThree(kind)
      const claim = await first.own(KEY)
      first.release(claim)
      for (const other of others) {
        await other.until('its end', () => other.told.some(([what]) => what === 'left'))
        expect(other.told.at(-1)).toEqual(['left', KEY, claim.generation])
        expect(await other.backplane.lookup(KEY)).toBeUndefined()
      }
    })

    test('right behind the claim leaves no owner', async () => {
      const [first, second] = await startThree(kind)
      first.release(first.claim(KEY))
      await mark(first, second)
      expect(second.owner(KEY)).toBeUndefined()
      expect(await second.backplane.lookup(KEY)).toBeUndefined()
    })

    test('of a claim that another node took over changes nothing', async () => {
      const [first, second, third] = await startThree(kind)
      const claim = await first.own(KEY)
      const { generation } = await second.own(KEY)
      first.release(claim)
      await expectStillHeld({ node: second.id, generation }, first, third)
    })

    test('of a claim that the same node renewed changes nothing', async () => {
      const [first, second] = await startThree(kind)
      const outdated = await first.own(KEY)
      const { generation } = await first.own(KEY)
      first.release(outdated)
      await expectStillHeld({ node: first.id, generation }, first, second)
    })

    test('of a claim renewed in the same tick changes nothing', async () => {
      const [first, second] = await startThree(kind)
      const outdated = first.claim(KEY)
      const held = first.own(KEY)
      first.release(outdated)
      const { generation } = await held
      await expectStillHeld({ node: first.id, generation }, first, second)
    })

    test('of a lost claim changes nothing', async () => {
      const [first, second, third] = await startThree(kind)
      const { generation } = await second.own(KEY)
      first.release(await first.tryToHold(KEY, { onlyIfFree: true }))
      await expectStillHeld({ node: second.id, generation }, first, third)
    })

    test('twice has the effect of one', async () => {
      const [first, second] = await startThree(kind)
      const claim = await first.own(KEY)
      first.release(claim)
      first.release(claim)
      const { generation } = await first.own(KEY)
      first.release(claim)
      await expectStillHeld({ node: first.id, generation }, first, second)
    })
  })

  test('all other nodes can look up the owner of a peer', async () => {
    const [first, second, third] = await startThree(kind)
    const { generation } = await first.own(KEY)
    for (const { backplane } of [second, third]) {
      expect(await backplane.lookup(KEY)).toEqual({ key: KEY, node: first.id, generation, address: addressOf(KEY) })
      expect(await backplane.lookup(MARK)).toBeUndefined()
    }
  })

  test('keys that are addresses can be claimed like peer ids', async () => {
    const [first, second] = await startThree(kind)
    const key = '/ip4/127.0.0.1/tcp/9090/ws'
    const claim = await first.own(key, { address: key })
    await second.untilOwned(key, { node: first.id, generation: claim.generation })
    first.release(claim)
    await second.untilOwned(key, undefined)
  })

  test('a node knows whether there are other nodes', async () => {
    const start = await openNodes(kind)
    const first = await start()
    expect(first.backplane.hasOthers).toBe(false)
    const second = await start()
    await untilAcquainted([first, second])
    expect([first.backplane.hasOthers, second.backplane.hasOthers]).toEqual([true, true])
    await second.backplane.stop()
    await untilAcquainted([first])
    expect(first.backplane.hasOthers).toBe(false)
  })

  test('the peers of a stopping node leave, and no others do', async () => {
    const [first, second, third] = await startThree(kind)
    const keys = Array.from({ length: 2000 }, (_, index) => keyOf(1000 + index))
    const { generation } = await first.own(KEY)
    const claims = keys.map((key) => second.claim(key))
    const renewed = await second.own(MARK)
    for (const node of [first, third]) {
      await node.untilOwned(MARK, { node: second.id, generation: renewed.generation })
      expect(node.others.size).toBe(keys.length + (node === first ? 1 : 2))
    }
    await second.backplane.stop()
    for (const node of [first, third]) {
      await node.until('all of them to leave', () => [MARK, ...keys].every((key) => node.owner(key) === undefined))
      expect(node.owner(KEY)).toEqual({ node: first.id, generation })
    }
    expect(await first.backplane.lookup(claims[0]?.key ?? '')).toBeUndefined()
    expect(await third.backplane.lookup(KEY)).toMatchObject({ node: first.id })
  })
}

/** Waits until the other node has been notified of everything that was done at one node. */
async function mark(from: TestNode, to: TestNode): Promise<void> {
  const { generation } = await from.own(MARK)
  await to.untilOwned(MARK, { node: from.id, generation })
}

async function expectStillHeld(owner: Owner, actor: TestNode, witness: TestNode): Promise<void> {
  await mark(actor, witness)
  expect(witness.owner(KEY)).toEqual(owner)
  expect(witness.told).not.toContainEqual(['left', KEY, owner.generation])
  expect(await witness.backplane.lookup(KEY)).toMatchObject(owner)
}

function byGeneration(one: Owner, other: Owner): number {
  return one.generation - other.generation
}
