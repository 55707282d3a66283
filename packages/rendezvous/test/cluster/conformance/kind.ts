import { eventually } from '@websocket-star/testkit'
import { onTestFinished } from 'vitest'
import type { Backplane } from '../../../src/cluster/backplane.js'
import { TestNode } from './test-node.js'

export interface BackplaneKind {
  readonly hasWindow: boolean
  /** Opens a star for one test. @returns a function that creates nodes, not started */
  openStar(): Promise<() => Backplane>
}

/** Opens a star. @returns a function that starts a node, which stops with the test */
export async function openNodes(kind: BackplaneKind): Promise<() => Promise<TestNode>> {
  const create = await kind.openStar()
  return async () => {
    const node = new TestNode(create())
    onTestFinished(() => node.backplane.stop())
    await node.start()
    return node
  }
}

export async function startThree(kind: BackplaneKind): Promise<[TestNode, TestNode, TestNode]> {
  const start = await openNodes(kind)
  const nodes: [TestNode, TestNode, TestNode] = [await start(), await start(), await start()]
  await untilAcquainted(nodes)
  return nodes
}

/** Waits until each of these nodes knows exactly these nodes. */
export async function untilAcquainted(nodes: readonly TestNode[]): Promise<void> {
  const ids = nodes.map(({ id }) => id).toSorted()
  await eventually(`${ids.join(', ')} to know each other`, () =>
    nodes.every(({ backplane }) => backplane.stats().nodes.toSorted().join() === ids.join())
  )
}
