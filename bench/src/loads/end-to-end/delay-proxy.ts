import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server on which every byte takes longer. */
export interface DelayProxy {
  readonly url: string
  close(): void
}

/** Bytes on their way in one direction above which nothing more is read. */
const QUEUE_MAX = 64 << 20

/** @param milliseconds - that each byte takes longer, each way */
export async function startDelayProxy(port: number, milliseconds: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>()
  const proxy = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      from.once('close', () => sockets.delete(from))
      // The end of one is the end of the other; why does not matter here.
      from.on('error', () => to.destroy())
      new DelayLine(from, to, milliseconds).start()
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port: own } = proxy.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${own}`,
    close: () => {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** One direction: what is read now is written so many milliseconds later, in order. */
class DelayLine {
  readonly #from: Socket
  readonly #to: Socket
  readonly #delay: number
  /** `undefined` in place of bytes: the end. */
  readonly #queue: { due: number; bytes: Buffer | undefined }[] = []
  #queued = 0
  #timer: NodeJS.Timeout | undefined
  #blocked = false

  constructor(from: Socket, to: Socket, delay: number) {
    this.#from = from
    this.#to = to
    this.#delay = delay
  }

  start(): void {
    this.#from.on('data', (bytes) => this.#push(bytes))
    this.#from.on('end', () => this.#push(undefined))
    this.#to.on('drain', () => {
      this.#blocked = false
      this.#flush()
    })
    this.#to.once('close', () => {
      clearTimeout(this.#timer)
      this.#from.destroy()
    })
  }

  #push(bytes: Buffer | undefined): void {
    this.#queue.push({ due: performance.now() + this.#delay, bytes })
    this.#queued += bytes?.length ?? 0
    if (this.#queued > QUEUE_MAX) this.#from.pause()
    this.#schedule()
  }

  #schedule(): void {
    const [next] = this.#queue
    if (next === undefined || this.#blocked || this.#timer !== undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#flush()
      },
      Math.max(0, next.due - performance.now())
    )
  }

  #flush(): void {
    const now = performance.now()
    for (let [next] = this.#queue; next !== undefined && next.due <= now && !this.#blocked; [next] = this.#queue) {
      this.#queue.shift()
      if (next.bytes === undefined) {
        this.#to.end()
        return
      }
      this.#queued -= next.bytes.length
      this.#blocked = !this.#to.write(next.bytes)
    }
    if (this.#queued <= QUEUE_MAX / 2) this.#from.resume()
    this.#schedule()
  }
}
