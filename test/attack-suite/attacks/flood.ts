import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Scene } from './attack.js'

/** Bytes of one write. */
const BURST = 16_384
/** Bytes that wait in the attacker above which it writes no more. */
const ENOUGH = 65_536

/** A piece of a flood, made ahead of time. */
export interface Burst {
  readonly bytes: Buffer
  readonly messages: number
}

/** Repeats frames until they fill one write. */
export function burstOf(frames: readonly Buffer[], messages = 1, size = BURST): Burst {
  const once = Buffer.concat(frames)
  const times = Math.max(1, Math.floor(size / once.length))
  return { bytes: Buffer.concat(Array.from({ length: times }, () => once)), messages: messages * times }
}

/** Writes the same again and again, as fast as the link and the socket take it, until that closes or the attack is over. */
export async function flood(scene: Scene, tcp: Socket, ...bursts: readonly Burst[]): Promise<void> {
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
  for (let next = 0; !scene.signal.aborted && tcp.writable; next++) {
    const burst = bursts[next % bursts.length]
    if (burst === undefined) return
    await scene.link.room(burst.bytes.length)
    if (!tcp.writable) return
    scene.tally.messages += burst.messages
    tcp.write(burst.bytes)
    if (tcp.writableLength > ENOUGH) await Promise.race([once(tcp, 'drain').catch(() => {}), closed])
  }
}
