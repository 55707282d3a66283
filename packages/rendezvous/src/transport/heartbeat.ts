import type { Socket } from 'engine.io'
import type { HeartbeatState } from './engine-internals.js'

/**
 * Makes engine.io's heartbeat tolerate busy and paused clients. engine.io would close a client whose upload takes longer than its
 * timeouts. In revision 3 only pings postpone the timeout, in revision 4 only a pong and, once, other data.
 */
export class Heartbeat {
  readonly #state: HeartbeatState | undefined
  readonly #protocol: 3 | 4
  #activeInTick = false
  #suspended = false
  /** Time of the last unanswered ping; revision 4 only. */
  #pingedAt: number | null = null

  /** @param state - undefined if the runtime hides the state. Then engine.io's timeouts apply */
  constructor(socket: Socket, state: HeartbeatState | undefined) {
    this.#state = state
    this.#protocol = socket.protocol === 3 ? 3 : 4
    if (state === undefined) return
    // engine.io clears its timeout when a polling client upgrades.
    if (socket.transport.name !== 'websocket') socket.on('upgrade', () => this.#restart())
    if (this.#protocol === 3) return
    socket.on('packetCreate', ({ type }: { type: string }) => {
      if (type !== 'ping') return
      this.#pingedAt = performance.now()
      // A paused client still gets pings, but no timeout. engine.io sets the timeout after this event.
      if (this.#suspended) setImmediate(() => this.#suspended && this.#stop())
    })
    socket.on('heartbeat', () => {
      this.#pingedAt = null
    })
  }

  /** Postpones the timeout after a message from the client, at most once per tick. */
  recordActivity(): void {
    if (this.#state === undefined || this.#activeInTick || this.#suspended) return
    this.#activeInTick = true
    setImmediate(resetActivity, this)
    this.#state.pingTimeoutTimer?.refresh()
    this.#pingAgain()
  }

  /** Stops the timeout, since a paused client's silence means nothing. */
  suspend(): void {
    if (this.#suspended) return
    this.#suspended = true
    this.#stop()
  }

  /** Starts a new timeout. */
  resume(): void {
    if (!this.#suspended) return
    this.#suspended = false
    this.#restart()
  }

  /** Pings a client whose pong is queued behind its upload. Otherwise engine.io sends no ping, and the client times out. */
  #pingAgain(): void {
    if (this.#state === undefined || this.#pingedAt === null) return
    if (performance.now() - this.#pingedAt >= this.#state.server.opts.pingInterval) this.#state.sendPacket('ping')
  }

  #stop(): void {
    if (this.#state === undefined) return
    clearTimeout(this.#state.pingTimeoutTimer ?? undefined)
    this.#state.pingTimeoutTimer = null
  }

  #restart(): void {
    // Nothing would clear the timer of a closed connection.
    if (this.#suspended || this.#state?.readyState !== 'open') return
    if (this.#protocol === 3 || this.#pingedAt !== null) this.#state.resetPingTimeout()
  }

  static resetActivity(heartbeat: Heartbeat): void {
    heartbeat.#activeInTick = false
  }
}

// Shared by all clients to save closures.
const { resetActivity } = Heartbeat
