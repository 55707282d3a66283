import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeLife } from './nodes.js'

/** Where ways lead. */
export interface Star {
  /** What clients know it by. */
  readonly url: string
  readonly multiaddr: string
  /** Number of places, of which each client has one as its home. */
  readonly size: number
  /** Returns what a client with that home is led to; undefined if no place takes clients. */
  choose(home: number): NodeLife | undefined
}

/** A client's way to the star, as a load balancer that knows it: to the node at its place, or to another if that is none. */
export class Way extends Agent {
  /** Number of the place whose node it prefers. */
  home: number
  readonly star: Star
  /** Oldest first. */
  readonly #open = new Map<Socket, NodeLife>()
  /** The node it was led to last. */
  #last: NodeLife | undefined

  constructor(star: Star, home: number) {
    super()
    this.star = star
    this.home = home
  }

  /** The nodes it is connected to; of a client that polls, maybe for a moment to none, the last one too. */
  get lives(): NodeLife[] {
    return [...new Set([...this.#open.values(), ...(this.#last === undefined ? [] : [this.#last])])]
  }

  /** The node of its newest connection. */
  get life(): NodeLife | undefined {
    return [...this.#open.values()].at(-1)
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

  override createConnection(_options?: ClientRequestArgs): Duplex {
    const life = this.star.choose(this.home)
    if (life === undefined) {
      const none = new Socket()
      process.nextTick(() => none.destroy(new Error('no node takes clients')))
      return none
    }
    this.#last = life
    const socket = connect(life.port, '127.0.0.1')
    // each stream waits for room by itself
    socket.setMaxListeners(0)
    this.#open.set(socket, life)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }
}
