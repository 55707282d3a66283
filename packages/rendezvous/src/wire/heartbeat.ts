import type { Socket } from 'engine.io'

/** What engine.io keeps its heartbeat in. Its types call these private; their names have stood since version 6.0. */
interface HeartbeatState {
  readyState: string
  pingTimeoutTimer: NodeJS.Timeout | null
  pingIntervalTimer: NodeJS.Timeout | null
  resetPingTimeout(): void
  schedulePing(): void
}

/**
 * engine.io's heartbeat, made to bear with busy and with paused clients: its revision 3 hears only pings, its revision 4
 * forgives one late pong, and either would close a client that uploads for longer than its timeouts.
 */
export class Heartbeat {
  readonly #state: HeartbeatState
  readonly #protocol: 3 | 4
  #heardInTick = false
  #suspended = false

  constructor(socket: Socket) {
    this.#state = socket as unknown as HeartbeatState // see there
    this.#protocol = socket.protocol === 3 ? 3 : 4
  }

  /** A frame has come: the client is there. Many in one tick count as one. */
  heard(): void {
    if (this.#heardInTick || this.#suspended) return
    this.#heardInTick = true
    setImmediate(this.#nextTick)
    this.#state.pingTimeoutTimer?.refresh()
  }

  /** The client is not read from: its silence means nothing. */
  suspend(): void {
    if (this.#suspended) return
    this.#suspended = true
    clearTimeout(this.#state.pingTimeoutTimer ?? undefined)
    clearTimeout(this.#state.pingIntervalTimer ?? undefined)
    this.#state.pingTimeoutTimer = null
  }

  /** The client is read from again, and has the whole time again. */
  resume(): void {
    if (!this.#suspended) return
    this.#suspended = false
    // Of a closed connection no timer would ever be cleared.
    if (this.#state.readyState !== 'open') return
    if (this.#protocol === 3) this.#state.resetPingTimeout()
    else this.#state.schedulePing()
  }

  readonly #nextTick = (): void => {
    this.#heardInTick = false
  }
}
