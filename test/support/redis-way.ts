import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { drained } from './drained.js'

/** How a way is interrupted: packets are lost without a word, or connections are reset and refused. */
export type Interruption = 'silent' | 'refused'

/** Bytes on their way at most, in one direction of one connection. */
const IN_FLIGHT = 1_048_576

/** One node's TCP hop to Redis, which can fail as networks do. */
export class RedisWay implements AsyncDisposable {
  /** Milliseconds that bytes take, each way. */
  latency = 0
  /** Bytes a second of all connections together, each way. */
  rate = Number.POSITIVE_INFINITY
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  /** Connections that were begun while nothing passed. */
  readonly #stranded = new Set<Socket>()
  /** Settles when bytes pass again. */
  #outage: { mode: Interruption; over: Promise<void>; end: () => void } | undefined
  /** When the next byte may leave, each way. Milliseconds. */
  readonly freeAt: [number, number] = [0, 0]

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(port: number): Promise<RedisWay> {
    const server = createServer()
    const way = new RedisWay(server)
    server.on('connection', (near) => way.#connected(near, port))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return way
  }

  get url(): string {
    // a listening TCP server has an address with a port
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Settles once bytes pass. */
  get passable(): Promise<void> | undefined {
    return this.#outage?.over
  }

  cut(mode: Interruption): void {
    let end = (): void => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    this.#outage = { mode, over, end }
    if (mode === 'refused') this.#closeAll()
  }

  /** What was open goes on if it was silent, and what was sent meanwhile arrives. */
  heal(): void {
    this.#outage?.end()
    this.#outage = undefined
    for (const socket of this.#stranded) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal()
    this.#closeAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #closeAll(): void {
    for (const socket of [...this.#pairs].flat()) socket.destroy()
    for (const socket of this.#stranded) socket.destroy()
  }

  #connected(near: Socket, port: number): void {
    near.on('error', ignore)
    near.setNoDelay(true)
    if (this.#outage !== undefined) {
      if (this.#outage.mode === 'refused') near.destroy()
      else {
        this.#stranded.add(near)
        near.once('close', () => this.#stranded.delete(near))
      }
      return
    }
    const far = connect(port, '127.0.0.1')
    far.on('error', ignore)
    far.setNoDelay(true)
    const pair = [near, far] as const
    this.#pairs.add(pair)
    Direction.begin(this, 0, near, far)
    Direction.begin(this, 1, far, near)
    for (const socket of pair) socket.once('close', () => void this.#closed(pair))
  }

  /** That one side has gone is not seen by the other before packets pass. */
  async #closed(pair: readonly [Socket, Socket]): Promise<void> {
    await this.passable
    this.#pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }
}

/** Hands bytes on, in order, as fast as the way lets them pass. */
class Direction {
  readonly #way: RedisWay
  readonly #side: 0 | 1
  readonly #from: Socket
  readonly #to: Socket
  readonly #waiting: { bytes: Buffer; dueAt: number }[] = []
  #size = 0
  #isAtWork = false

  private constructor(way: RedisWay, side: 0 | 1, from: Socket, to: Socket) {
    this.#way = way
    this.#side = side
    this.#from = from
    this.#to = to
  }

  static begin(way: RedisWay, side: 0 | 1, from: Socket, to: Socket): void {
    const direction = new Direction(way, side, from, to)
    from.on('data', (bytes: Buffer) => direction.#take(bytes))
  }

  #take(bytes: Buffer): void {
    const { latency, rate, freeAt } = this.#way
    const now = performance.now()
    const leavesAt = Math.max(now, freeAt[this.#side])
    freeAt[this.#side] = leavesAt + (bytes.length / rate) * 1_000
    this.#waiting.push({ bytes, dueAt: freeAt[this.#side] + latency })
    this.#size += bytes.length
    if (this.#size >= IN_FLIGHT) this.#from.pause()
    if (!this.#isAtWork) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isAtWork = true
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const left = next.dueAt - performance.now()
      if (left > 1) await delay(left)
      if (this.#way.passable !== undefined) await this.#way.passable
      if (this.#to.destroyed) break
      this.#waiting.shift()
      this.#size -= next.bytes.length
      if (!this.#to.write(next.bytes)) await drained(this.#to)
      if (this.#size < IN_FLIGHT) this.#from.resume()
    }
    this.#isAtWork = false
  }
}

function ignore(): void {}
