import { Random } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import type { Frame } from '../../../src/cluster/frames.js'
import { everyShape, traffic } from './frames.js'
import { startThree, untilAcquainted, type BackplaneKind } from './kind.js'
import { brief, keyOf, type TestNode } from './test-node.js'

const HELLO: Frame = { type: 'probe', id: 1, key: keyOf(1) }

export function linksSuite(kind: BackplaneKind): void {
  test('frames of every shape arrive in order and equal, over links that both sides open at the same time', async () => {
    const nodes = await startThree(kind)
    const frames = everyShape()
    for (const node of nodes) for (const other of nodes) if (other !== node) sendAtOnce(node, other, frames)
    for (const node of nodes) {
      for (const other of nodes) if (other !== node) await expectFrames(node, other, frames)
      expect(node.lostLinks).toEqual([])
    }
  })

  test('a link is one and the same for both sides, until it is lost', async () => {
    const [first, second] = await startThree(kind)
    const link = first.backplane.link(second.id)
    expect(link).toMatchObject({ node: second.id, isLost: false, hasRoom: true })
    link.send(HELLO)
    await expectFrames(second, first, [HELLO])
    second.backplane.link(first.id).send(HELLO)
    await expectFrames(first, second, [HELLO])
    expect(first.backplane.link(second.id)).toBe(link)
  })

  test.each([1, 2])('thousands of frames arrive in order, both ways at once, seed %i', async (seed) => {
    const [first, second, third] = await startThree(kind)
    const random = new Random(seed)
    const ways: [TestNode, TestNode, Frame[]][] = [
      [first, second, traffic(random, 3000)],
      [second, first, traffic(random, 3000)],
      [third, first, traffic(random, 1000)]
    ]
    const waits = await Promise.all(ways.map(async ([from, to, frames]) => await sendWithCare(from, to, frames)))
    for (const [from, to, frames] of ways) await expectFrames(to, from, frames)
    expect(waits[0]).toBeGreaterThan(kind.hasWindow ? 0 : -1)
    expect(first.rooms).toBeGreaterThanOrEqual(waits[0] ?? 0)
    for (const node of [first, second, third]) expect(node.lostLinks).toEqual([])
  })

  describe('a link to a node that stops', () => {
    test('is lost once, and links to other nodes are not', async () => {
      const [first, second, third] = await startThree(kind)
      const [lost, kept] = [first.backplane.link(second.id), first.backplane.link(third.id)]
      for (const link of [lost, kept]) link.send(HELLO)
      for (const node of [second, third]) await expectFrames(node, first, [HELLO])
      await second.backplane.stop()
      await first.until('the loss', () => first.lostLinks.length > 0)
      expect(lost.isLost).toBe(true)
      lost.send(HELLO)
      await untilAcquainted([first, third])
      kept.send(HELLO)
      await expectFrames(third, first, [HELLO, HELLO])
      expect(kept.isLost).toBe(false)
      expect(first.lostLinks).toEqual([lost])
      expect(second.framesFrom(first)).toEqual([HELLO])
    })

    test('is replaced by another, which is lost as well', async () => {
      const [first, second] = await startThree(kind)
      const lost = first.backplane.link(second.id)
      lost.send(HELLO)
      await expectFrames(second, first, [HELLO])
      await second.backplane.stop()
      await first.until('the loss', () => first.lostLinks.length > 0)
      const replacement = first.backplane.link(second.id)
      expect(replacement).not.toBe(lost)
      replacement.send(HELLO)
      await first.until('another loss', () => replacement.isLost)
      expect(second.framesFrom(first)).toEqual([HELLO])
    })
  })

  test('a link to an unknown node is lost', async () => {
    const [first] = await startThree(kind)
    const link = first.backplane.link('nobody-12345678')
    link.send(HELLO)
    await first.until('the loss', () => link.isLost)
  })
}

function sendAtOnce(from: TestNode, to: TestNode, frames: readonly Frame[]): void {
  const link = from.backplane.link(to.id)
  for (const frame of frames) link.send(frame)
}

/** Sends chunks while there is room. @returns how often there was none */
async function sendWithCare(from: TestNode, to: TestNode, frames: readonly Frame[]): Promise<number> {
  const link = from.backplane.link(to.id)
  let waits = 0
  for (const frame of frames) if (await from.send(link, frame)) waits++
  return waits
}

async function expectFrames(node: TestNode, from: TestNode, frames: readonly Frame[]): Promise<void> {
  await node.until(`${frames.length} frames`, () => node.framesFrom(from).length >= frames.length)
  expect(node.framesFrom(from)).toEqual(frames.map(brief))
}
