import type { Random } from '@websocket-star/testkit'
import type { Frame } from '../../../src/cluster/frames.js'
import { addressOf, keyOf } from './test-node.js'

const MAX_CHANNEL = 2 ** 32 - 1
const LONG_ADDRESS = `/dns4/${'a'.repeat(900)}/tcp/443/wss/p2p-websocket-star/p2p/${keyOf(0)}`

/** Returns at least one frame of each shape, with values at their limits. */
export function everyShape(): Frame[] {
  const [from, to] = [addressOf(keyOf(1)), addressOf(keyOf(2))]
  return [
    { type: 'open', channel: 0, dialId: 'a', from, to, isExtended: true, network: undefined },
    {
      type: 'open',
      channel: MAX_CHANNEL,
      dialId: 'x~:._-'.repeat(21),
      from: LONG_ADDRESS,
      to,
      isExtended: false,
      network: '192.0.2.1'
    },
    { type: 'opened', channel: 0, isExtended: true, error: undefined },
    { type: 'opened', channel: MAX_CHANNEL, isExtended: false, error: 'Peer not found' },
    { type: 'opened', channel: 1, isExtended: false, error: '' },
    ...[true, false].flatMap((isOpener): Frame[] => [
      { type: 'accept', channel: 1, isOpener, window: undefined },
      { type: 'accept', channel: 1, isOpener, window: 0 },
      { type: 'accept', channel: 1, isOpener, window: Number.MAX_SAFE_INTEGER },
      ...[0, 1, 1024, 65_535, 65_536, 65_537, 1_000_000].map((length): Frame => ({
        type: 'data',
        channel: 2,
        isOpener,
        bytes: bytesOf(length)
      })),
      { type: 'credit', channel: MAX_CHANNEL, isOpener, bytes: 262_144 },
      { type: 'grant', channel: 2, isOpener, bytes: Number.MAX_SAFE_INTEGER },
      ...[true as const, '', 'Peer has left', 'ä€😀\u0000\n"'].flatMap((reason): Frame[] => [
        { type: 'end', channel: 2, isOpener, half: 'sent', reason },
        { type: 'end', channel: 2, isOpener, half: 'received', reason }
      ])
    ]),
    { type: 'probe', id: 0, key: keyOf(3) },
    { type: 'probe', id: MAX_CHANNEL, key: addressOf('x') },
    { type: 'probed', id: 0, isAlive: true },
    { type: 'probed', id: MAX_CHANNEL, isAlive: false }
  ]
}

/** Returns realistic traffic: small and large chunks with other frames in between. */
export function traffic(random: Random, count: number): Frame[] {
  const shapes = everyShape().filter(({ type }) => type !== 'data')
  return Array.from({ length: count }, (_, index): Frame => {
    if (random.chance(0.1)) return random.pick(shapes)
    const bytes = bytesOf(random.pick([0, 30, 100, 1000, 4000, 20_000]), index)
    return { type: 'data', channel: random.below(1000), isOpener: random.chance(0.5), bytes }
  })
}

function bytesOf(length: number, first = 1): Buffer {
  const bytes = Buffer.alloc(length, 'bytes of a chunk')
  if (length >= 4) bytes.writeUInt32BE(first)
  return bytes
}
