import type { Socket } from 'node:net'
import type { Scene } from './attack.js'

/** Bytes of one write. */
const BURST = 65_536
/** Bytes that wait in the attacker above which it writes no more. */
const ENOUGH = 262_144
/** Writes in one go, so that one attacker does not keep the others from writing. */
const TURN = 8

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

/** Writes the same again and again, as fast as the socket takes it, until it closes or the attack is over. */
export async function flood(scene: Scene, tcp: Socket, ...bursts: readonly Burst[]): Promise<void> {
  let next = 0
  await new Promise<void>((resolve) => {
    const write = (): void => {
      if (scene.signal.aborted || !tcp.writable) return resolve()
      for (let turn = 0; turn < TURN; turn++) {
        const burst = bursts[next++ % bursts.length]
        if (burst === undefined) return resolve()
        scene.tally.messages += burst.messages
        tcp.write(burst.bytes)
        if (tcp.writableLength > ENOUGH) return void tcp.once('drain', write)
      }
      setImmediate(write)
    }
    tcp.once('close', () => resolve())
    write()
  })
}
