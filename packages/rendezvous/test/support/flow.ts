import { strict as assert } from 'node:assert'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Half } from '../../src/relay/half.js'
import { Counters } from '../../src/stats.js'
import { RecordingSession } from './recording-session.js'

export const MARK = 1_000
export const CEILING = 4_000
export const HOLD = 30_000

/** Whether the sender of a half knows windows. */
export type SenderKind = 'legacy' | 'new'

/** A sender, a receiver, and the flow control between them; a test moves its clock. */
export class FlowScene {
  now = 1_000_000
  readonly counters = new Counters()
  readonly flow: FlowControl
  readonly sender = new RecordingSession('sender')
  readonly receiver = new RecordingSession('receiver')

  constructor() {
    const options = { highWaterMark: MARK, sessionCeiling: CEILING, pauseTimeout: HOLD }
    this.flow = new FlowControl(options, this.counters, () => this.now)
  }

  /** A half that waits for its receiver. */
  open(stream = 'a.dialer', from = this.sender, to = this.receiver): Half {
    return new Half(stream, from.session, to.session, this.now)
  }

  /** One that is accepted. */
  accepted(kind: SenderKind, window: number | undefined): Half {
    this.sender.extended = kind === 'new'
    const half = this.open()
    half.accepted = true
    this.flow.accepted(half, window)
    return half
  }

  /** Passes a chunk on; then `buffered` bytes are unsent to the receiver. */
  forward(half: Half, bytes: number, buffered = 0): boolean {
    this.receiver.recordingLink.buffered = buffered
    return this.flow.forwarded(half, bytes)
  }

  /** The receiver has taken enough. */
  drain(buffered = 0): void {
    this.receiver.recordingLink.buffered = buffered
    this.flow.drained(this.receiver.session)
  }

  isPaused(session = this.sender): boolean {
    assert.equal(this.flow.paused.has(session.session), session.recordingLink.paused)
    return session.recordingLink.paused
  }
}
