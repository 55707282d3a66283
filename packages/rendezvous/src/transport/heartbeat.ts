import type { Socket } from 'engine.io'
import type { HeartbeatState } from './engine-internals.js'

/**
 * engine.io's heartbeat, made to bear with busy and with paused clients: its revision 3 hears only pings, its revision 4
 * forgives one late pong, and either would close a client that uploads for longer than its timeouts.
 */
export class Heartbeat {
  readonly #state: HeartbeatState | undefined
  readonly #protocol: 3 | 4
  #activeInTick = false
  #suspended = false
  /** Of revision 4: when the last ping was sent, if it has not been answered. */
  #pingedAt: number | null = null

  /** @param state - undefined where it cannot be reached: engine.io then keeps its own time */
  constructor(socket: Socket, state: HeartbeatState | undefined) {
    this.#state = state
    this.#protocol = socket.protocol === 3 ? 3 : 4
    if (state === undefined) return
    // engine.io forgets the timeout when the transport changes; a WebSocket stays one.
    if (socket.transport.name !== 'websocket') socket.on('upgrade', () => this.#restart())
    if (this.#protocol === 3) return
    socket.on('packetCreate', ({ type }: { type: string }) => {
      if (type !== 'ping') return
      this.#pingedAt = performance.now()
      // Pings go on while a client is not read from, which counts on them; engine.io sets the timeout after this.
      if (this.#suspended) setImmediate(() => this.#suspended && this.#stop())
    })
    socket.on('heartbeat', () => {
      this.#pingedAt = null
    })
  }

  /** A frame has come: the client is there. Many in one tick count as one. */
  recordActivity(): void {
    if (this.#state === undefined || this.#activeInTick || this.#suspended) return
    this.#activeInTick = true
    setImmediate(resetActivity, this)
    this.#state.pingTimeoutTimer?.refresh()
    this.#pingAgain()
  }

  /** The client is not read from: its silence means nothing. */
  suspend(): void {
    if (this.#suspended) return
    this.#suspended = true
    this.#stop()
  }

  /** The client is read from again, and has the whole time again. */
  resume(): void {
    if (!this.#suspended) return
    this.#suspended = false
    this.#restart()
  }

  /**
   * engine.io pings after an answer only. A client whose answer waits behind what it uploads would hear of no ping for so
   * long that it gives the server up.
   */
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
    // Of a closed connection no timer would ever be cleared.
    if (this.#suspended || this.#state?.readyState !== 'open') return
    if (this.#protocol === 3 || this.#pingedAt !== null) this.#state.resetPingTimeout()
  }

  static resetActivity(heartbeat: Heartbeat): void {
    heartbeat.#activeInTick = false
  }
}

// One function for all, for there are many.
const { resetActivity } = Heartbeat
