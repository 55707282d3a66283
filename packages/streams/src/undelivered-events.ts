import { streamEventName } from '@websocket-star/protocol'
import type { EventTap, SocketLike } from './socket.js'
import { HOLD } from './stray-events.js'

/** Names that are remembered. */
const NAMES_MAX = 1_024

/**
 * Receives the events that a server's socket had received before it was tapped, and delivers later: to listeners of their names
 * only. It ends after a second.
 */
export class UndeliveredEvents {
  readonly #socket: SocketLike
  readonly #tap: EventTap
  /** Functions that stop listening, by name; undefined for a name that the tap has heard. */
  readonly #stops = new Map<string, (() => void) | undefined>()
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  #ended = true

  constructor(socket: SocketLike, tap: EventTap) {
    this.#socket = socket
    this.#tap = tap
    // A client's socket delivers at once.
    if (!('conn' in socket)) return
    this.#ended = false
    this.#timer = setTimeout(() => this.close(), HOLD)
  }

  /** Listens for the acceptance and the end of a stream that is being opened. */
  watch(stream: string): void {
    for (const kind of ['accept', 'error'] as const) {
      const name = streamEventName(kind, stream)
      if (this.#ended || this.#stops.has(name)) continue
      const listener = (...args: unknown[]): void => void this.#tap(name, args)
      this.#socket.on(name, listener)
      this.#set(name, () => this.#socket.removeListener(name, listener))
    }
  }

  /** Stops listening for an event that the tap has heard: it is delivered once more. */
  heard(name: string): void {
    if (this.#ended) return
    this.#stops.get(name)?.()
    this.#set(name, undefined)
  }

  close(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    for (const stop of this.#stops.values()) stop?.()
    this.#stops.clear()
  }

  #set(name: string, stop: (() => void) | undefined): void {
    this.#stops.set(name, stop)
    if (this.#stops.size > NAMES_MAX) this.close()
  }
}
