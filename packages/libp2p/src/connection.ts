import type { AbortOptions } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type AbstractMultiaddrConnectionInit, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ConnectionEvictedError, pushStreams, type Connection, type PushStreams } from '@websocket-star/client'
import { StreamAbortedError, StreamStoppedError } from '@websocket-star/streams'
import { ConnectionStalledError } from './errors.js'

export interface StarConnectionInit extends AbstractMultiaddrConnectionInit {
  connection: Connection
}

/** Share of the receive window that is unread when the other side cannot send any more: credit is granted per quarter. */
const EXHAUSTED = 3 / 4
/** Share of the receive window from which on the reader has caught up. */
const CAUGHT_UP = 1 / 4
/** Bytes queued for sending up to which a reader that waits for its writer is helped; twice the largest window of yamux. */
const RELIEF_MAX = 33_554_432
/** Milliseconds without progress after which a connection is aborted that is beyond help. */
const STALLED_AFTER = 5_000
/** Milliseconds between checks whether such a reader is stuck. */
const CHECK_INTERVAL = 5

/**
 * Adapts a client's connection to libp2p, including backpressure in both directions.
 *
 * `@libp2p/tls` does not read while it waits to write. Two of them can wait for each other: neither reads, so neither may send. An end
 * that is in this state accepts more to send until its reader has caught up.
 */
export class StarConnection extends AbstractMultiaddrConnection {
  readonly #connection: Connection
  readonly #streams: PushStreams
  #check: ReturnType<typeof setTimeout> | undefined
  #isRelieved = false
  /** Bytes that were queued when the connection was found beyond help, and when that was. */
  #stall: { queued: number; at: number } | undefined

  constructor({ connection, ...init }: StarConnectionInit) {
    super(init)
    this.#connection = connection
    this.#streams = pushStreams(connection)
    const { sink, source } = this.#streams
    sink.onDrain = () => this.safeDispatchEvent('drain')
    source.onData = (bytes) => this.onData(bytes)
    source.onEnd = (error) => {
      if (error === undefined) this.onTransportClosed()
      else this.#fail(error)
    }
    sink.onFinish = (error) => {
      if (error !== undefined) this.#fail(error)
    }
    if (sink.error !== undefined || source.error !== undefined) queueMicrotask(() => this.#reset())
    else queueMicrotask(() => source.resume())
  }

  sendData(data: Uint8ArrayList): SendResult {
    const { sink } = this.#streams
    let canSendMore = true
    for (const bytes of data) canSendMore = sink.write(bytes)
    if (!canSendMore && this.readStatus === 'paused') canSendMore = this.#isReaderBehind()
    return { sentBytes: data.byteLength, canSendMore }
  }

  /** Returns whether to accept more, so that the reader goes on. */
  #isReaderBehind(): boolean {
    const { sink, source } = this.#streams
    if (source.readableLength < source.window * CAUGHT_UP) this.#isRelieved = false
    if (this.#isRelieved && sink.writableLength < RELIEF_MAX) return true
    this.#checkLater()
    return false
  }

  #checkLater(): void {
    if (this.#check !== undefined) return
    this.#check = setTimeout(() => {
      this.#check = undefined
      this.#relieve()
    }, CHECK_INTERVAL)
  }

  /** Lets the writer go on if it waits, nothing is read meanwhile, and the other side cannot send any more. */
  #relieve(): void {
    if (this.status !== 'open' || this.readStatus !== 'paused' || !this.writableNeedsDrain) return
    const { sink, source } = this.#streams
    if (source.readableLength < source.window * EXHAUSTED) {
      this.#stall = undefined
      this.#checkLater()
    } else if (sink.writableLength >= RELIEF_MAX) this.#abortIfStalled(sink.writableLength)
    else {
      this.#isRelieved = true
      this.safeDispatchEvent('drain')
    }
  }

  #abortIfStalled(queued: number): void {
    if (this.#stall?.queued !== queued) this.#stall = { queued, at: performance.now() }
    if (performance.now() - this.#stall.at > STALLED_AFTER) this.abort(new ConnectionStalledError(queued))
    else this.#checkLater()
  }

  async sendClose({ signal }: AbortOptions = {}): Promise<void> {
    const { sink, source } = this.#streams
    // Errors no longer matter: this side has closed the connection.
    sink.onFinish = undefined
    sink.end()
    const settled = new AbortController()
    const aborted = new Promise<never>((_, reject) => {
      const onAbort = (): void => reject(signal?.reason as Error)
      signal?.addEventListener('abort', onAbort, { once: true, signal: settled.signal })
    })
    await Promise.race([sink.whenClosed, aborted]).finally(() => settled.abort())
    source.stop()
  }

  /** Ends the connection, since one of its directions ended early. */
  #fail(error: Error): void {
    if (error instanceof StreamStoppedError) this.onTransportClosed()
    else if (error.cause instanceof ConnectionEvictedError) this.abort(error.cause)
    // libp2p knows already of aborts by this side.
    else if (!(error instanceof StreamAbortedError)) this.#reset()
  }

  /** Reports a reset once, although both directions get it, and ends the direction that is still open. */
  #reset(): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    this.onRemoteReset()
    this.#connection.abort()
  }

  sendReset(error: Error): void {
    // Send the queued resets of the muxer's streams first; without them, the streams would seem to end regularly.
    this.#streams.sink.flush()
    this.#connection.abort(error)
  }

  sendPause(): void {
    this.#streams.source.pause()
    if (this.writableNeedsDrain) this.#checkLater()
  }

  sendResume(): void {
    this.#streams.source.resume()
  }
}
