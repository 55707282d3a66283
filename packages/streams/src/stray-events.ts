import { WIRE_ERRORS, type StreamEventKind } from '@websocket-star/protocol'
import { queueMacrotask } from './macrotask.js'

export interface StreamEvent {
  kind: StreamEventKind
  stream: string
  argument: unknown
}

/** Milliseconds that an acceptance is kept until the application opens the stream, for instance after middleware. */
export const HOLD = 1_000
/** Streams of each kind that are remembered, and the longest id of those that are held. */
const STREAMS_MAX = 256
const ID_MAX_LENGTH = 256

interface HeldEvents {
  events: StreamEvent[]
  timer: ReturnType<typeof setTimeout> | undefined
}

/**
 * Events of streams that are not open on this side. The other side waits for a stream that it accepted, or sends on, so it is
 * told if there is none.
 */
export class StrayEvents {
  readonly #answer: (stream: string, reason: string) => void
  readonly #held = new Map<string, HeldEvents>()
  /** Reasons of sinks that ended here before they were accepted: the receiver may have missed them. */
  readonly #endedSinks = new Map<string, string>()
  /** Sources that ended here, and streams that were answered: chunks may still be on their way. */
  readonly #endedSources = new Set<string>()

  /** @param answer - tells the other side why a stream is over */
  constructor(answer: (stream: string, reason: string) => void) {
    this.#answer = answer
  }

  add(event: StreamEvent): void {
    const { kind, stream } = event
    if (kind === 'accept') this.#addAccept(event)
    else if (kind === 'error') this.#addError(event)
    else if (kind === 'queue' && !this.#endedSources.has(stream) && !this.#held.has(stream)) {
      this.sourceEnded(stream)
      this.#answer(stream, WIRE_ERRORS.unknownStream)
    }
  }

  sinkEnded(stream: string, reason: string): void {
    this.#endedSinks.set(stream, reason)
    forgetOldest(this.#endedSinks)
  }

  sourceEnded(stream: string): void {
    this.#endedSources.add(stream)
    forgetOldest(this.#endedSources)
  }

  /** Returns the events for a sink that is being opened. */
  sinkOpened(stream: string): StreamEvent[] {
    this.#endedSinks.delete(stream)
    return this.#take(stream)
  }

  /** Returns the events for a source that is being opened. */
  sourceOpened(stream: string): StreamEvent[] {
    this.#endedSources.delete(stream)
    return this.#held.get(stream)?.timer === undefined ? this.#take(stream) : []
  }

  clear(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
    this.#endedSinks.clear()
    this.#endedSources.clear()
  }

  #addAccept(event: StreamEvent): void {
    const { stream } = event
    if (this.#held.get(stream)?.timer !== undefined) return
    const reason = this.#endedSinks.get(stream)
    if (reason !== undefined) return this.#answer(stream, reason)
    if (this.#held.size >= STREAMS_MAX || stream.length > ID_MAX_LENGTH) {
      return this.#answer(stream, WIRE_ERRORS.unknownStream)
    }
    const timer = setTimeout(() => {
      this.#held.delete(stream)
      this.#answer(stream, WIRE_ERRORS.unknownStream)
    }, HOLD)
    this.#held.set(stream, { events: [event], timer })
  }

  #addError(event: StreamEvent): void {
    const { stream } = event
    const held = this.#held.get(stream)
    if (held !== undefined) {
      if (held.events.length === 1) held.events.push(event)
      return
    }
    // The event that makes the application open the stream may be delivered in this task.
    const entry = { events: [event], timer: undefined }
    this.#held.set(stream, entry)
    queueMacrotask(() => {
      if (this.#held.get(stream) === entry) this.#held.delete(stream)
    })
  }

  #take(stream: string): StreamEvent[] {
    const held = this.#held.get(stream)
    if (held === undefined) return []
    clearTimeout(held.timer)
    this.#held.delete(stream)
    return held.events
  }
}

function forgetOldest(streams: Map<string, unknown> | Set<string>): void {
  if (streams.size <= STREAMS_MAX) return
  const [oldest] = streams.keys()
  if (oldest !== undefined) streams.delete(oldest)
}
