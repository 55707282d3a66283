import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { echoOf, serveEcho } from '../support/libp2p-echo.js'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'

const NODES = 100
const DIALS = 10

/** Those that a node dials stand next to it in a ring, so that no two dial each other. */
function dialledBy(nodes: readonly TestNode[], index: number): TestNode[] {
  return Array.from({ length: DIALS }, (_, offset) => nodes[(index + 1 + offset) % NODES]).filter((node) => !!node)
}

test('a hundred nodes on one star: each finds all, and talks to ten', { timeout: 300_000 }, async () => {
  await using star = await startStar()
  const nodes = await Promise.all(Array.from({ length: NODES }, () => startNode([star.multiaddr])))
  try {
    for (const node of nodes) await serveEcho(node)
    for (const node of nodes) {
      await eventually('all others to be known', async () => (await node.peerStore.all()).length >= NODES - 1)
    }
    for (const [index, node] of nodes.entries()) {
      const answers = dialledBy(nodes, index).map(async ({ peerId }) => {
        return await echoOf(node, peerId, `${index} to ${peerId.toString()}`)
      })
      const expected = dialledBy(nodes, index).map(({ peerId }) => `${index} to ${peerId.toString()}`)
      expect(await Promise.all(answers)).toEqual(expected)
    }
    for (const [index, node] of nodes.entries()) {
      const outbound = node.getConnections().filter(({ direction }) => direction === 'outbound')
      const dialled = dialledBy(nodes, index).map(({ peerId }) => peerId.toString())
      expect(outbound.map(({ remotePeer }) => remotePeer.toString()).toSorted()).toEqual(dialled.toSorted())
      expect(node.getConnections()).toHaveLength(2 * DIALS)
    }
    const dials = NODES * DIALS
    expect(star.server.stats()).toMatchObject({
      streams: 2 * dials,
      dials: { total: dials, success: dials },
      refused: {},
      reset: {},
      closed: {}
    })
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  await eventually('nothing to be left', () => star.server.stats().sessions + star.server.stats().streams === 0)
})
