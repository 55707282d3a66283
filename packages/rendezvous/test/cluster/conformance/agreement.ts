import { Random } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import type { Claim } from '../../../src/registry/claim.js'
import { openNodes, startThree, type BackplaneKind } from './kind.js'
import { isSameOwner, keyOf, settled, type Owner, type TestNode } from './test-node.js'

/** Tests that concurrent changes leave all nodes with the same owners. */
export function agreementSuite(kind: BackplaneKind): void {
  test.each([1, 2, 3])(
    'nodes that claim the same peers at the same moment agree on one owner, seed %i',
    async (seed) => {
      const nodes = await startThree(kind)
      const random = new Random(seed)
      const keys = Array.from({ length: 40 }, (_, index) => keyOf(index))
      for (let round = 0; round < 5; round++) {
        const rivals = nodes.filter((_, index) => index < 2 || random.chance(0.5))
        const claims = random
          .pickSome(keys, keys.length)
          .flatMap((key) => rivals.map((node) => [node, node.claim(key)] as const))
        await Promise.all(claims.map(async ([, claim]) => await settled(claim)))
        const expected = keys.map((key) => winner(claims.filter(([, claim]) => claim.key === key)))
        await expectAgreement(nodes, keys, expected)
      }
    }
  )

  test.each([1, 2, 3])('all nodes agree on the owners after many changes, seed %i', async (seed) => {
    const walk = new RandomWalk(new Random(seed), await openNodes(kind))
    for (let node = 0; node < 3; node++) await walk.startNode()
    for (let step = 0; step < 600; step++) await walk.step()
    await walk.settle()
    expect(new Set(walk.generations).size).toBe(walk.generations.length)
    await expectAgreement(walk.nodes, walk.keys, walk.truth())
  })
}

function winner(claims: readonly (readonly [TestNode, Claim])[]): Owner {
  const [newest] = claims.map(([node, { generation = 0 }]) => ({ node: node.id, generation })).toSorted(newestFirst)
  if (newest === undefined) throw new Error('nobody claimed it')
  return newest
}

function newestFirst(one: Owner, other: Owner): number {
  return other.generation - one.generation
}

/** Asserts that every node and the registry have the expected owners. */
async function expectAgreement(
  nodes: readonly TestNode[],
  keys: readonly string[],
  expected: readonly (Owner | undefined)[]
): Promise<void> {
  const believes = (node: TestNode): boolean =>
    keys.every((key, index) => isSameOwner(node.owner(key), expected[index]))
  try {
    for (const node of nodes) await node.until('the same as all others', () => believes(node))
  } catch {
    // Fails with the difference.
    for (const node of nodes) expect(keys.map((key) => node.owner(key))).toEqual(expected)
  }
  for (const { id, backplane } of nodes) {
    const foreign = keys.filter((_, index) => expected[index]?.node !== id)
    const records = await Promise.all(foreign.map(async (key) => await backplane.lookup(key)))
    const owners = records.map((record) => record && { node: record.node, generation: record.generation })
    expect(owners).toEqual(expected.filter((owner) => owner?.node !== id))
  }
}

interface RecordedClaim {
  readonly node: TestNode
  readonly claim: Claim
  isReleased: boolean
}

/** Makes random claims and releases, and replaces nodes. */
class RandomWalk {
  readonly keys = Array.from({ length: 25 }, (_, index) => keyOf(index))
  nodes: TestNode[] = []
  readonly #random: Random
  readonly #start: () => Promise<TestNode>
  readonly #made: RecordedClaim[] = []

  constructor(random: Random, start: () => Promise<TestNode>) {
    this.#random = random
    this.#start = start
  }

  async startNode(): Promise<void> {
    this.nodes.push(await this.#start())
  }

  async step(): Promise<void> {
    const random = this.#random
    if (random.chance(0.01)) await this.#replaceNode()
    else if (random.chance(0.1)) await new Promise((resolve) => setImmediate(resolve))
    else if (random.chance(0.6)) this.#claim(random.pick(this.nodes), random.pick(this.keys))
    else this.#release()
  }

  async settle(): Promise<void> {
    await Promise.all(this.#made.map(async ({ claim }) => await settled(claim)))
  }

  get generations(): number[] {
    return this.#made.map(({ claim }) => claim.generation ?? 0).filter((generation) => generation > 0)
  }

  /** Returns the expected owners: the newest claim to each peer, unless it was released or its node has left. */
  truth(): (Owner | undefined)[] {
    return this.keys.map((key) => {
      const made = this.#made.filter(({ claim }) => claim.key === key && (claim.generation ?? 0) > 0)
      const newest = made.toSorted((one, other) => (other.claim.generation ?? 0) - (one.claim.generation ?? 0))[0]
      if (newest === undefined || newest.isReleased || !this.nodes.includes(newest.node)) return undefined
      return { node: newest.node.id, generation: newest.claim.generation ?? 0 }
    })
  }

  #claim(node: TestNode, key: string): void {
    this.#made.push({ node, claim: node.claim(key, { onlyIfFree: this.#random.chance(0.3) }), isReleased: false })
  }

  #release(): void {
    const unreleased = this.#made.filter(({ node, isReleased }) => !isReleased && this.nodes.includes(node))
    if (unreleased.length === 0) return
    const made = this.#random.pick(unreleased)
    made.isReleased = true
    made.node.release(made.claim)
  }

  /** Replaces a node once its claims have settled, so that their generations are known. */
  async #replaceNode(): Promise<void> {
    const leaver = this.#random.pick(this.nodes)
    await Promise.all(this.#made.filter(({ node }) => node === leaver).map(async ({ claim }) => await settled(claim)))
    this.nodes = this.nodes.filter((node) => node !== leaver)
    await leaver.backplane.stop()
    await this.startNode()
  }
}
