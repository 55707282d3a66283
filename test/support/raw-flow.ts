import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawConnection, RawOptions, RawPeer } from '@websocket-star/testkit'

/** A client that keeps to windows and credit, and says so. */
export const EXTENDED: RawOptions = { eio: '4', auth: { websocketStar: { version: 2, peers: 'windows' } } }

/** Bytes unsent from which a sender waits for its own socket. */
const ENOUGH = 262_144

/** Sends chunks as fast as the server takes them, each different from the one before, until it has sent all or is stopped. */
export class Pump {
  /** What has been written, though perhaps not read by the server. */
  chunks = 0
  bytes = 0
  readonly done: Promise<void>
  readonly #connection: RawConnection
  readonly #hash = createHash('sha256')
  readonly #stop = new AbortController()

  /**
   * @param total - bytes; default: no end
   * @param rest - milliseconds between two chunks
   */
  constructor(connection: RawConnection, size: number, total = Number.POSITIVE_INFINITY, rest = 0) {
    this.#connection = connection
    this.done = this.#run(size, total, rest)
  }

  /** Of all that was written, to be compared with {@link digest}. */
  get digest(): string {
    return this.#hash.copy().digest('hex')
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  async #run(size: number, total: number, rest: number): Promise<void> {
    const { signal } = this.#stop
    const { peer } = this.#connection
    const { tcp } = peer
    while (this.bytes < total && !signal.aborted && !peer.isClosed) {
      const chunk = Buffer.alloc(Math.min(size, total - this.bytes), this.chunks)
      chunk.writeUInt32BE(this.chunks, 0)
      this.#connection.write(chunk)
      this.#hash.update(chunk)
      this.chunks++
      this.bytes += chunk.length
      // Either the socket takes more, or it is time to stop; the turn of the event loop lets others in.
      if (tcp.writableLength > ENOUGH)
        await Promise.race([once(tcp, 'drain', { signal }), peer.wire.closed]).catch(() => {})
      else if (rest > 0) await delay(rest)
      else await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** An accepted dial that carries data one way, from the dialer; with a window if the listener is to announce one. */
export async function openOneWay(
  dialer: RawPeer,
  listener: RawPeer,
  window?: number
): Promise<{ near: RawConnection; far: RawConnection; told: unknown[] }> {
  const [near, far] = await Promise.all([dialer.dial(listener.address), listener.answer(null)])
  far.accept(window)
  return { near, far, told: await near.accepted() }
}

export function digest(chunks: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

/** Lets a peer read a little, at most once in so many milliseconds, until it is disposed of. */
export function readSlowly(peer: RawPeer, interval: number): Disposable {
  const { tcp } = peer
  tcp.pause()
  const pause = () => void tcp.pause()
  tcp.on('data', pause)
  const timer = setInterval(() => tcp.resume(), interval)
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      tcp.off('data', pause)
      tcp.resume()
    }
  }
}
