import { randomBytes } from 'node:crypto'
import { openDial, type Packet, type RawConnection, type RawPeer } from '@websocket-star/testkit'
import { expect } from 'vitest'
import type { RawStar } from './raw-star.js'

/** Bytes of the chunks of one check, each way; one of them empty. */
const sizes = [0, 1, 17, 1024, 70_000, 0, 200_000]

/** Two peers with an open dial who mind their own business while others attack. */
export interface WellBehavedPair {
  dialer: RawPeer
  listener: RawPeer
  /** The id of their dial. */
  dialId: string
  /** Every address either of them was told of. */
  announced(): string[]
  /** They still relay, byte for byte, and nothing has reached them that is none of their business. */
  check(): Promise<void>
}

/** An EIO3 peer joined and dialled an EIO4 peer. */
export async function wellBehavedPair(star: RawStar): Promise<WellBehavedPair> {
  const dialer = await star.join({ eio: '3' })
  const listener = await star.join({ eio: '4' })
  const { near, far } = await openDial(dialer, listener)
  return {
    dialer,
    listener,
    dialId: near.id,
    announced: () => [...dialer.announced, ...listener.announced],
    check: async () => {
      await relayBothWays(near, far)
      for (const peer of [dialer, listener]) expect(peer.unread.filter(isStray)).toEqual([])
    }
  }
}

/** Sends random chunks one way and compares what comes, byte for byte. */
export async function relay(from: RawConnection, to: RawConnection, lengths: readonly number[] = sizes): Promise<void> {
  const sent = lengths.map((length) => randomBytes(length))
  const before = to.chunks.length
  from.write(...sent)
  const received = (await to.received(before + sent.length)).slice(before)
  expect(received.map((chunk) => chunk.length)).toEqual(lengths)
  expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true)
}

export async function relayBothWays(near: RawConnection, far: RawConnection): Promise<void> {
  await relay(near, far)
  await relay(far, near)
}

function isStray(packet: Packet): boolean {
  return typeof packet !== 'string' || !packet.startsWith('42["ws-peer",')
}
