export interface LinksOptions {
  /** Maximum of unacknowledged bytes per link. Default 4 MiB. */
  readonly windowMax: number
  /**
   * Maximum of unacknowledged bytes to one node from all others together. Default 24 MiB: Redis drops a subscriber with a
   * backlog of 32 MB.
   */
  readonly windowShared: number
  /** Bytes of the largest chunk. Each window may be exceeded by one chunk. Default 1 MiB. */
  readonly chunkMax: number
  /** Milliseconds of silence before an active link is probed; five times as many for an idle link. Default 1,000. */
  readonly silentAfter: number
  /** Milliseconds without a subscriber at the other end before a link is lost. Default 3,000. */
  readonly unheardTimeout: number
  /** Milliseconds during which nothing can be sent before a link is lost. Default 60,000. */
  readonly awayTimeout: number
  /** Milliseconds of delivered but unanswered probes before a link is lost. Default 30,000. */
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
