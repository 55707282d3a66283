import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeLife, Places } from './nodes.js'

/** A client's way to the star, as a load balancer that knows it: to the node at its place, or to another if that is none. */
export class Way extends Agent {
  /** Number of the place whose node it prefers. */
  home: number
  readonly #places: Places
  /** Oldest first. */
  readonly #open = new Map<Socket, NodeLife>()

  constructor(places: Places, home: number) {
    super()
    this.#places = places
    this.home = home
  }

  /** The nodes it is connected to. */
  get lives(): NodeLife[] {
    return [...this.#open.values()]
  }

  /** The node of its newest connection. */
  get life(): NodeLife | undefined {
    return this.lives.at(-1)
  }

  /** The newest connection. */
  get socket(): Socket | undefined {
    return [...this.#open.keys()].at(-1)
  }

  /** As a lost network does it: everything ends, and nobody said goodbye. */
  cut(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  /** As a laptop that is closed: all stays open, and nothing is read or answered. */
  silence(): void {
    for (const socket of this.#open.keys()) {
      socket.pause()
      socket.removeAllListeners('data')
      socket.removeAllListeners('readable')
    }
  }

  override createConnection(_options: ClientRequestArgs): Duplex {
    const life = this.#places.choose(this.home)
    if (life === undefined) {
      const none = new Socket()
      process.nextTick(() => none.destroy(new Error('no node takes clients')))
      return none
    }
    const socket = connect(life.port, '127.0.0.1')
    // each stream waits for room by itself
    socket.setMaxListeners(0)
    this.#open.set(socket, life)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }
}
