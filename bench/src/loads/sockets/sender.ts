/**
 * `bursts`: many messages in one write. `singles`: each frame in a write of its own, with as many messages under way; a
 * server that is slower than the load then still finds many of them at each read. `lockstep`: each frame in a write of
 * its own, and a message leaves when the one before it has arrived.
 */
export type WriteMode = 'bursts' | 'singles' | 'lockstep'

/** What one stream is to carry. */
export interface StreamPlan {
  /** Counts the streams of a case; their bytes differ by it. */
  index: number
  /** Bytes of each message. */
  payload: number
  mode: WriteMode
  /** Messages in one write of a burst. */
  burst: number
  /** Messages under way at most. */
  window: number
}

/** One stream under load: as many messages under way as its window allows, each checked when it arrives. */
export interface Sender {
  readonly sent: number
  readonly received: number
  start(): void
  /** Sends no more; what is under way still arrives. */
  stop(): void
}

export type OpenSender = (plan: StreamPlan) => Promise<Sender>
