import type { ListedStream, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'

interface StreamSample {
  at: number
  bytes: number
  rate: number
}

/** Computes the bytes per second of streams from the last two lists of peers. */
export class StreamRates {
  #samples = new Map<string, StreamSample>()

  add({ peers }: ListedPeers): void {
    const at = performance.now()
    const samples = new Map<string, StreamSample>()
    for (const { id, streams } of peers) {
      for (const { id: stream, direction, bytes } of streams) {
        const key = keyOf(id, stream, direction)
        const before = this.#samples.get(key)
        const rate = before === undefined ? 0 : (Math.max(0, bytes - before.bytes) * 1000) / (at - before.at)
        samples.set(key, { at, bytes, rate })
      }
    }
    this.#samples = samples
  }

  of(peer: string, { id, direction }: ListedStream): number {
    return this.#samples.get(keyOf(peer, id, direction))?.rate ?? 0
  }
}

function keyOf(peer: string, stream: string, direction: string): string {
  return `${peer} ${direction} ${stream}`
}
