import type { Socket } from 'node:net'

/** What attackers got through, and what became of them. */
export interface Haul {
  readonly messages: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly opened: number
  readonly openAtEnd: number
  /** How often connections ended, or things were refused, by the reason that the attackers saw. */
  readonly ends: Readonly<Record<string, number>>
}

/** Counts it. */
export class Tally {
  messages = 0
  readonly #ends = new Map<string, number>()
  readonly #open = new Set<Socket>()
  readonly #left = new WeakSet<Socket>()
  #sent = 0
  #received = 0
  #opened = 0
  #isOver = false

  watch(tcp: Socket): void {
    tcp.once('connect', () => {
      this.#opened++
      this.#open.add(tcp)
    })
    tcp.once('close', () => {
      this.#open.delete(tcp)
      this.#sent += tcp.bytesWritten
      this.#received += tcp.bytesRead
    })
  }

  /** Ends a connection that is not to be counted as ended by the server. */
  leave(tcp: Socket): void {
    this.#left.add(tcp)
    tcp.resetAndDestroy()
  }

  /** @param tcp - the connection that has ended, if one has */
  ended(reason: string, tcp?: Socket): void {
    const isCounted = !this.#isOver && (tcp === undefined || !this.#left.has(tcp))
    if (isCounted) this.#ends.set(reason, (this.#ends.get(reason) ?? 0) + 1)
  }

  /** Counts no ends from now on. */
  finish(): Haul {
    this.#isOver = true
    let [bytesSent, bytesReceived] = [this.#sent, this.#received]
    for (const tcp of this.#open) {
      bytesSent += tcp.bytesWritten - tcp.writableLength
      bytesReceived += tcp.bytesRead
    }
    const { messages } = this
    const ends = Object.fromEntries(this.#ends)
    return { messages, bytesSent, bytesReceived, opened: this.#opened, openAtEnd: this.#open.size, ends }
  }
}
