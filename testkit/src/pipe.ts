import type { Socket } from 'node:net'

/** What one direction of all connections of a proxy together carries. */
export class Lane {
  /** Milliseconds that every byte takes. */
  latency = 0
  #rate = Number.POSITIVE_INFINITY
  #freeAt = 0

  /** Bytes a second. */
  get rate(): number {
    return this.#rate
  }

  set rate(rate: number) {
    this.#rate = rate
    this.#freeAt = 0
  }

  /** Takes so many bytes. @returns when they arrive, as `performance.now()` tells it */
  admit(bytes: number): number {
    this.#freeAt = Math.max(performance.now(), this.#freeAt) + (bytes / this.#rate) * 1000
    return this.#freeAt + this.latency
  }
}

export interface PipeOptions {
  lane: Lane
  /** Bytes under way above which nothing more is read. */
  inFlight: number
  /** Whether what is under way has to stay there for now; {@link Pipe.flush} is called when that is over. */
  isHeld: () => boolean
}

/** One direction of one connection: hands bytes and their end on, in order, as fast as its lane and the reader let it. */
export class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #options: PipeOptions
  /** `undefined` in place of bytes: the end. */
  readonly #queue: { bytes: Buffer | undefined; dueAt: number }[] = []
  #queued = 0
  #timer: NodeJS.Timeout | undefined
  #isBlocked = false

  constructor(from: Socket, to: Socket, options: PipeOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.on('data', (bytes: Buffer) => this.#push(bytes))
    from.once('end', () => this.#push(undefined))
    to.on('drain', () => {
      this.#isBlocked = false
      this.flush()
    })
    to.once('close', () => clearTimeout(this.#timer))
  }

  /** Whether anything is under way. */
  get isWaiting(): boolean {
    return this.#queue.length > 0
  }

  /** Hands on what is due. */
  flush(): void {
    clearTimeout(this.#timer)
    for (let [next] = this.#queue; next !== undefined; [next] = this.#queue) {
      if (this.#isBlocked || this.#to.destroyed || this.#options.isHeld()) return
      const left = next.dueAt - performance.now()
      if (left > 0) {
        this.#timer = setTimeout(() => this.flush(), left)
        return
      }
      this.#queue.shift()
      if (next.bytes === undefined) {
        this.#to.end()
        return
      }
      this.#queued -= next.bytes.length
      this.#isBlocked = !this.#to.write(next.bytes)
      if (this.#queued < this.#options.inFlight) this.#from.resume()
    }
  }

  #push(bytes: Buffer | undefined): void {
    const length = bytes?.length ?? 0
    this.#queue.push({ bytes, dueAt: this.#options.lane.admit(length) })
    this.#queued += length
    if (this.#queued >= this.#options.inFlight) this.#from.pause()
    if (this.#queue.length === 1) this.flush()
  }
}
