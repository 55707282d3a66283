import type { ListedStream, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'

interface Noted {
  at: number
  bytes: number
  rate: number
}

/** Bytes per second of each stream, from two looks at how many there were. */
export class StreamRates {
  #noted = new Map<string, Noted>()

  note({ peers }: ListedPeers): void {
    const at = performance.now()
    const noted = new Map<string, Noted>()
    for (const { id, streams } of peers) {
      for (const { id: stream, direction, bytes } of streams) {
        const key = keyOf(id, stream, direction)
        const before = this.#noted.get(key)
        const rate = before === undefined ? 0 : (Math.max(0, bytes - before.bytes) * 1000) / (at - before.at)
        noted.set(key, { at, bytes, rate })
      }
    }
    this.#noted = noted
  }

  /** Bytes per second. */
  of(peer: string, { id, direction }: ListedStream): number {
    return this.#noted.get(keyOf(peer, id, direction))?.rate ?? 0
  }
}

function keyOf(peer: string, stream: string, direction: string): string {
  return `${peer} ${direction} ${stream}`
}
