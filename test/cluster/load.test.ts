import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { Load, loadBothWays } from './load.js'
import { connectParties, joinParty, type PartyKind, type Side } from './parties.js'
import { SeededBytes } from './seeded-bytes.js'

/** The load that the tests of several servers rely on, through one. */

const KINDS: readonly (readonly [PartyKind, PartyKind])[] = [
  ['client', 'client'],
  ['client', 'legacy'],
  ['legacy', 'client'],
  ['legacy', 'legacy']
]

test.each(KINDS)('all of it arrives both ways: %s and %s', async (near, far) => {
  await using star = await startStar()
  const sides = await connectParties(await joinParty(near, star), await joinParty(far, star))
  const loads = loadBothWays(sides.near, sides.far, { bytes: 20_000_000 })
  await loads[0].reached(5_000_000)
  await Promise.all(loads.map(({ done }) => done))
  expect(loads.map(({ sent, received }) => [sent, received])).toEqual([
    [20_000_000, 20_000_000],
    [20_000_000, 20_000_000]
  ])
})

test.each(['client', 'legacy'] as const)('a %s that sends waits for a receiver that does not read', async (kind) => {
  await using star = await startStar({ relay: { highWaterMark: 262_144 } })
  const sides = await connectParties(await joinParty(kind, star), await joinParty('client', star))
  let goOn = (): void => {}
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const bytes = 50_000_000
  const load = new Load(sides.near, sides.far, { bytes, pause: (received) => (received < 100_000 ? undefined : gate) })
  await load.reached(100_000)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(load.sent).toBeLessThan(bytes / 2)
  goOn()
  await load.done
})

/** A way that does something to what is sent. */
function tampered(change: (piece: Buffer, index: number) => Buffer[]): { near: Side; far: Side } {
  const way = new PassThrough({ objectMode: true })
  let index = 0
  const side: Side = {
    async send(piece) {
      for (const changed of change(piece, index++)) way.write(changed)
    },
    async end() {
      way.end()
    },
    async receive(take) {
      for await (const piece of way) await take(piece as Buffer) // as it was sent
    }
  }
  return { near: side, far: side }
}

test.each([
  [
    'a byte that is wrong',
    (piece: Buffer, index: number) => [index === 0 ? inverted(piece) : piece],
    /from 65535 on are/
  ],
  ['a piece that is missing', (piece: Buffer, index: number) => (index === 1 ? [] : [piece]), /are wrong/],
  ['a piece that comes twice', (piece: Buffer, index: number) => (index === 1 ? [piece, piece] : [piece]), /are wrong/],
  [
    'an end that comes early',
    (piece: Buffer, index: number) => (index < 3 ? [piece] : []),
    /ended after 165537 of 500000/
  ]
] as const)('it fails by %s', async (_what, change, message) => {
  const { near, far } = tampered(change)
  expect((await new Load(near, far, { bytes: 500_000 }).failed()).message).toMatch(message)
})

/** The last byte is another one. */
function inverted(piece: Buffer): Buffer {
  const last = piece.length - 1
  piece.writeUInt8(piece.readUInt8(last) ^ 1, last)
  return piece
}

test('bytes of a seed are the same however they are cut, and others for another seed', () => {
  const whole = new SeededBytes(7).next(100_000)
  const cut = new SeededBytes(7)
  expect(Buffer.concat([cut.next(1), cut.next(0), cut.next(63_000), cut.next(36_999)]).equals(whole)).toBe(true)
  expect(new SeededBytes(8).next(100_000).equals(whole)).toBe(false)
})
