import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FairQueue, Flow } from '../pacing/fair-queue.js'

/** Bytes that are read as HTTP in one go: they hold 20 requests at most. */
const PIECE = 512
/** Units of work in a piece, and in a request. */
const PIECE_UNITS = 4
const REQUEST_UNITS = 8
/** Requests of one connection that are answered at a time. Browsers, proxies and clients send the next one afterwards. */
const MAX_PENDING = 8

/**
 * One connection that speaks HTTP, until it is upgraded. Node would work through all requests that came in one segment, some
 * 2,500, before anything else. Here they are done in pieces, in turn with the input of others.
 */
export class HttpConnection implements Flow {
  readonly group: object
  /** Since when no request of it is being answered, in milliseconds. */
  quietSince: number
  readonly #socket: Socket
  readonly #queue: FairQueue
  readonly #now: () => number
  /** Hands bytes to Node's HTTP parser; undefined where that is not reached. */
  #parse: ((bytes: Buffer) => void) | undefined
  #rest: Buffer | undefined
  #at = 0
  #pending = 0
  #last: ServerResponse | undefined
  #units = 0
  #isInLine = false
  #isRunning = false
  /** This reads no more for now. */
  #isPaused = false
  /** Node reads no more for now. */
  #isHeld = false

  /** @param group - shares its turn */
  constructor(socket: Socket, group: object, queue: FairQueue, now: () => number) {
    this.#socket = socket
    this.group = group
    this.#queue = queue
    this.#now = now
    this.quietSince = now()
  }

  /** Comes between the socket and Node's HTTP parser, which listens to it by now. */
  install(): void {
    const socket = this.#socket
    // The listener is that of node:http. Runtimes with another HTTP server have none.
    const [parse, ...others] = socket.listeners('data') as ((bytes: Buffer) => void)[]
    if (parse === undefined || others.length > 0) return
    this.#parse = parse.bind(socket)
    // In this order: a socket that has had no listener for a moment takes more memory ever after.
    socket.on('data', this.#take)
    socket.off('data', parse)
  }

  get isQuiet(): boolean {
    return this.#pending === 0
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * A request has come.
   *
   * @returns false if it is not to be answered: an earlier answer closes the connection
   */
  begin(response: ServerResponse): boolean {
    if (this.#isEnding) return false
    this.#last = response
    this.#pending++
    this.#units += REQUEST_UNITS
    response.once('finish', () => {
      // Nobody reads the rest of its body.
      if (!response.req.complete) this.#socket.destroySoon()
    })
    response.once('close', () => {
      if (--this.#pending === 0) this.quietSince = this.#now()
      this.#run()
    })
    return true
  }

  /** Leaves the socket to others, who find all that the HTTP parser has not read. */
  release(): void {
    if (this.#parse === undefined) return
    this.#parse = undefined
    this.#socket.off('data', this.#take)
    this.#socket.off('resume', this.#resumed)
    const rest = this.#rest?.subarray(this.#at)
    if (rest !== undefined && rest.length > 0) this.#socket.unshift(rest)
    this.#rest = undefined
  }

  /** Called in turn. */
  work(): boolean {
    if (this.#mayWork) this.#step()
    this.#isInLine = this.#mayWork
    return this.#isInLine
  }

  readonly #take = (bytes: Buffer): void => {
    const before = this.#rest?.subarray(this.#at)
    this.#rest = before === undefined ? bytes : Buffer.concat([before, bytes])
    this.#at = 0
    this.#run()
  }

  readonly #resumed = (): void => {
    // It is told late: meanwhile it may have been paused.
    if (!this.#isHeld || this.#socket.isPaused()) return
    this.#isHeld = false
    this.#socket.off('resume', this.#resumed)
    this.#run()
  }

  get #isEnding(): boolean {
    const last = this.#last
    if (last === undefined || !last.headersSent) return false
    return !last.shouldKeepAlive || (last.writableEnded && !last.req.complete)
  }

  get #mayWork(): boolean {
    if (this.#rest === undefined || this.#isHeld || this.#pending >= MAX_PENDING) return false
    return this.#socket.writable && !this.#isEnding
  }

  #run(): void {
    if (this.#isRunning || this.#isInLine) return
    while (this.#mayWork && this.#queue.isFree) this.#queue.note(this.#step())
    if (this.#rest !== undefined) this.#pause()
    if (!this.#mayWork) return
    this.#isInLine = true
    this.#queue.add(this)
  }

  #pause(): void {
    if (this.#isPaused || this.#isHeld) return
    this.#isPaused = true
    this.#socket.pause()
  }

  /** Reads a piece. @returns units of work */
  #step(): number {
    const rest = this.#rest
    if (rest === undefined) return 0
    const from = this.#at
    this.#at = Math.min(from + PIECE, rest.length)
    // After this a pause is one that Node has asked for.
    if (this.#isPaused) this.#socket.resume()
    this.#isPaused = false
    this.#units = PIECE_UNITS
    this.#isRunning = true
    this.#parse?.(rest.subarray(from, this.#at))
    this.#isRunning = false
    if (this.#rest === rest && this.#at === rest.length) this.#rest = undefined
    this.#isHeld = this.#parse !== undefined && this.#socket.isPaused()
    if (this.#isHeld) this.#socket.on('resume', this.#resumed)
    if (this.#rest !== undefined) this.#pause()
    return this.#units
  }
}
