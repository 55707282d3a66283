import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FairQueue, WorkSource } from '../pacing/fair-queue.js'

/** Bytes parsed at a time: at most 20 requests. */
const PIECE = 512
/** Units of work of a piece and of a request. */
const PIECE_UNITS = 4
const REQUEST_UNITS = 8
/** Maximum of unanswered requests per connection. It is small, since browsers, proxies and our clients do not pipeline. */
const MAX_PENDING = 8

/**
 * An HTTP connection until its upgrade. Node would handle all pipelined requests of a TCP segment, up to 2,500, before anything
 * else. This class passes them to Node's parser in pieces, in turn with the input of other connections.
 */
export class HttpConnection implements WorkSource {
  readonly group: object
  readonly isNew = false
  /** Time of the last answer, or of the creation, in milliseconds. */
  quietSince: number
  readonly #socket: Socket
  readonly #queue: FairQueue
  readonly #now: () => number
  /** Passes bytes to Node's HTTP parser; undefined if it is not accessible. */
  #parse: ((bytes: Buffer) => void) | undefined
  /** Node's own listener of the socket, which this class has replaced. */
  #listener: ((bytes: Buffer) => void) | undefined
  #unread: Buffer | undefined
  #at = 0
  #pending = 0
  #last: ServerResponse | undefined
  #units = 0
  #isQueued = false
  #isRunning = false
  /** This class has paused the socket. */
  #isPaused = false
  #isPausedByNode = false

  /** @param group - connections of a group share a place in the queue */
  constructor(socket: Socket, group: object, queue: FairQueue, now: () => number) {
    this.#socket = socket
    this.group = group
    this.#queue = queue
    this.#now = now
    this.quietSince = now()
  }

  /** Inserts this connection between the socket and Node's HTTP parser, which already listens to the socket. */
  install(): void {
    const socket = this.#socket
    // The only listener is that of `node:http`. Runtimes with another HTTP server have none.
    const [parse, ...others] = socket.listeners('data') as ((bytes: Buffer) => void)[]
    if (parse === undefined || others.length > 0) return
    this.#listener = parse
    this.#parse = parse.bind(socket)
    // The new listener is added first: a socket that once had no listener takes more memory from then on.
    socket.on('data', this.#receive)
    socket.off('data', parse)
  }

  get isQuiet(): boolean {
    return this.#pending === 0
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Registers a request. @returns false if the request must not be answered, since an earlier answer closes the connection */
  begin(response: ServerResponse): boolean {
    if (this.#isEnding) return false
    this.#last = response
    this.#pending++
    this.#units += REQUEST_UNITS
    response.once('finish', () => {
      // The rest of the request body is not read.
      if (!response.req.complete) this.#socket.destroySoon()
    })
    response.once('close', () => {
      if (--this.#pending === 0) this.quietSince = this.#now()
      this.#run()
    })
    return true
  }

  /** Detaches from the socket, and puts unparsed bytes back into the socket. */
  release(): void {
    if (this.#parse === undefined) return
    this.#parse = undefined
    this.#socket.off('data', this.#receive)
    this.#socket.off('resume', this.#onResume)
    const unread = this.#unread?.subarray(this.#at)
    if (unread !== undefined && unread.length > 0) this.#socket.unshift(unread)
    this.#unread = undefined
  }

  /** Detaches from the socket, and lets Node parse the rest. */
  handBack(): void {
    const [listener, isPaused] = [this.#listener, this.#isPaused]
    if (this.#parse === undefined || listener === undefined) return
    this.release()
    this.#socket.on('data', listener)
    if (isPaused) this.#socket.resume()
  }

  work(): boolean {
    if (this.#mayWork) this.#step()
    this.#isQueued = this.#mayWork
    return this.#isQueued
  }

  readonly #receive = (bytes: Buffer): void => {
    const before = this.#unread?.subarray(this.#at)
    this.#unread = before === undefined ? bytes : Buffer.concat([before, bytes])
    this.#at = 0
    this.#run()
  }

  readonly #onResume = (): void => {
    // The event comes late: the socket may have been paused again.
    if (!this.#isPausedByNode || this.#socket.isPaused()) return
    this.#isPausedByNode = false
    this.#socket.off('resume', this.#onResume)
    this.#run()
  }

  get #isEnding(): boolean {
    const last = this.#last
    if (last === undefined || !last.headersSent) return false
    return !last.shouldKeepAlive || (last.writableEnded && !last.req.complete)
  }

  get #mayWork(): boolean {
    if (this.#unread === undefined || this.#isPausedByNode || this.#pending >= MAX_PENDING) return false
    return this.#socket.writable && !this.#isEnding
  }

  #run(): void {
    if (this.#isRunning || this.#isQueued) return
    while (this.#mayWork && this.#queue.mayRunNow) this.#queue.recordWork(this.#step())
    if (this.#unread !== undefined) this.#pause()
    if (!this.#mayWork) return
    this.#isQueued = true
    this.#queue.add(this)
  }

  #pause(): void {
    if (this.#isPaused || this.#isPausedByNode) return
    this.#isPaused = true
    this.#socket.pause()
  }

  /** Parses a piece. @returns units of work */
  #step(): number {
    const unread = this.#unread
    if (unread === undefined) return 0
    const from = this.#at
    this.#at = Math.min(from + PIECE, unread.length)
    // Resume first: if the socket is paused afterwards, Node has paused it.
    if (this.#isPaused) this.#socket.resume()
    this.#isPaused = false
    this.#units = PIECE_UNITS
    this.#isRunning = true
    this.#parse?.(unread.subarray(from, this.#at))
    this.#isRunning = false
    if (this.#unread === unread && this.#at === unread.length) this.#unread = undefined
    this.#isPausedByNode = this.#parse !== undefined && this.#socket.isPaused()
    if (this.#isPausedByNode) this.#socket.on('resume', this.#onResume)
    if (this.#unread !== undefined) this.#pause()
    return this.#units
  }
}
