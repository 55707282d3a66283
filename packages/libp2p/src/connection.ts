import type { AbortOptions } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type AbstractMultiaddrConnectionInit, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ConnectionEvictedError, pushStreams, type Connection, type PushStreams } from '@websocket-star/client'
import { StreamAbortedError, StreamStoppedError } from '@websocket-star/streams'

export interface StarConnectionInit extends AbstractMultiaddrConnectionInit {
  connection: Connection
}

/** Adapts a client's connection to libp2p, including backpressure in both directions. */
export class StarConnection extends AbstractMultiaddrConnection {
  readonly #connection: Connection
  readonly #streams: PushStreams

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
    return { sentBytes: data.byteLength, canSendMore }
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

  /** Reports a reset once, although both directions get it. */
  #reset(): void {
    if (this.status === 'open' || this.status === 'closing') this.onRemoteReset()
  }

  sendReset(error: Error): void {
    // Send the queued resets of the muxer's streams first; without them, the streams would seem to end regularly.
    this.#streams.sink.flush()
    this.#connection.abort(error)
  }

  sendPause(): void {
    this.#streams.source.pause()
  }

  sendResume(): void {
    this.#streams.source.resume()
  }
}
