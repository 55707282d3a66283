import { eventually } from '@websocket-star/testkit'
import { onTestFinished } from 'vitest'
import type { Backplane } from '../../../src/cluster/backplane.js'
import { TestNode } from './test-node.js'

/** An implementation of `Backplane`, as the suite tries it. */
export interface BackplaneKind {
  /** Whether links run out of room. */
  readonly hasWindow: boolean
  /** Opens a star for one test. @returns what makes nodes of it that have not started */
  openStar(): Promise<() => Backplane>
}

/** Opens a star. @returns what starts one more node of it, which stops with the test */
export async function openNodes(kind: BackplaneKind): Promise<() => Promise<TestNode>> {
  const create = await kind.openStar()
  return async () => {
    const node = new TestNode(create())
    onTestFinished(() => node.backplane.stop())
    await node.start()
    return node
  }
}

/** Three nodes of a star, which know of each other. */
export async function startThree(kind: BackplaneKind): Promise<[TestNode, TestNode, TestNode]> {
  const start = await openNodes(kind)
  const nodes: [TestNode, TestNode, TestNode] = [await start(), await start(), await start()]
  await untilAcquainted(nodes)
  return nodes
}

/** Waits until each knows exactly these, itself among them. */
export async function untilAcquainted(nodes: readonly TestNode[]): Promise<void> {
  const ids = nodes.map(({ id }) => id).toSorted()
  await eventually(`${ids.join(', ')} to know each other`, () =>
    nodes.every(({ backplane }) => backplane.stats().nodes.toSorted().join() === ids.join())
  )
}
