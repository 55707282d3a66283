export interface LinksOptions {
  /** Bytes of one link that the other node has not acknowledged, at most. Default 4 MiB. */
  readonly windowMax: number
  /**
   * Bytes that all other nodes together may send to one without an acknowledgement. Default 24 MiB: Redis drops a subscriber
   * to whom 32 MB are unsent.
   */
  readonly windowShared: number
  /** Bytes of the largest chunk: each window may be exceeded by one. Default 1 MiB. */
  readonly chunkMax: number
  /** Milliseconds of silence after which a link in use is probed, and an idle one after five times as many. Default 1,000. */
  readonly silentAfter: number
  /** Milliseconds after which a link is lost if nobody listens at its other end. Default 3,000. */
  readonly unheardTimeout: number
  /** Milliseconds after which a link that was ever used is lost if nothing can be sent to it. Default 60,000. */
  readonly awayTimeout: number
  /** Milliseconds after which a link is lost if probes reach the other node and are not answered. Default 30,000. */
  readonly silenceTimeout: number
}

export const LINKS_DEFAULTS: LinksOptions = {
  windowMax: 4 * 1_048_576,
  windowShared: 24 * 1_048_576,
  chunkMax: 1_048_576,
  silentAfter: 1_000,
  unheardTimeout: 3_000,
  awayTimeout: 60_000,
  silenceTimeout: 30_000
}
