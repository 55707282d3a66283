import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@websocket-star/testkit'
import { PullPipe } from '../../chaos/peers/legacy.js'
import type { Accept, Peer, Pipe } from '../../chaos/peers/peer.js'
import type { Way } from '../../chaos/ways.js'
import { LegacyNode } from '../../support/legacy.js'
import type { Connection } from '../../support/legacy-types.js'
import { Entrance } from './entrance.js'

/** Milliseconds. */
const RETRY = 300
const DIAL_PATIENCE = 10_000

/** A real libp2p-websocket-star, made anew whenever its connection is lost. */
export class OldTransportPeer implements Peer {
  readonly id: string
  readonly way: Way
  readonly known = undefined
  readonly #name: string
  readonly #entrance: Entrance
  readonly #accept: Accept
  #node: LegacyNode
  #isJoined = false
  #isOver = false

  private constructor(name: string, node: LegacyNode, way: Way, entrance: Entrance, accept: Accept) {
    this.id = node.peerId
    this.way = way
    this.#name = name
    this.#entrance = entrance
    this.#accept = accept
    this.#node = node
    void this.#run()
  }

  static async open(name: string, way: Way, accept: Accept): Promise<OldTransportPeer> {
    const entrance = await Entrance.open(way)
    return new OldTransportPeer(
      name,
      await LegacyNode.create({ star: entrance.multiaddr, name }),
      way,
      entrance,
      accept
    )
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  async dial(id: string): Promise<Pipe> {
    if (!this.#isJoined) throw new Error('not connected')
    const node = this.#node
    const dialled = node.dial(`${this.#entrance.multiaddr}/ipfs/${id}`).then((pair) => this.#pipe(node, pair))
    try {
      return await within('the answer to a dial', Promise.race([dialled, failWith(lossOf(node))]), DIAL_PATIENCE)
    } catch (error) {
      // The other side may have taken it.
      dialled.then((pipe) => pipe.abort()).catch(() => {})
      throw error
    }
  }

  async leave(): Promise<void> {
    this.#isOver = true
    this.#node.listener.io?.disconnect()
    this.#entrance.close()
  }

  crash(): void {
    this.#isOver = true
    this.way.cut()
    this.#node.listener.io?.disconnect()
    this.#entrance.close()
  }

  freeze(): void {
    this.#isOver = true
    this.way.silence()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const node = await LegacyNode.create({
          star: this.#entrance.multiaddr,
          name: this.#name,
          handle: (connection) => this.#accept(this.#pipe(node, connection))
        })
        this.#node = node
        const listening = node.listen()
        const lost = lossOf(node)
        await Promise.race([listening, failWith(lost)])
        this.#isJoined = true
        await lost
      } catch {
        // tries again
      }
      this.#isJoined = false
      this.#node.listener.io?.disconnect()
      if (!this.#isOver) await delay(RETRY)
    }
  }

  #pipe(node: LegacyNode, connection: Connection): Pipe {
    return new PullPipe(node.listener.io ?? { connected: false }, this.way, connection)
  }
}

/** Resolves when a node loses its connection. */
async function lossOf({ listener: { io } }: LegacyNode): Promise<void> {
  if (io === undefined) return
  await new Promise<void>((resolve) => {
    io.once('disconnect', resolve)
    io.once('connect_error', resolve)
  })
}

async function failWith(lost: Promise<void>): Promise<never> {
  await lost
  throw new Error('own connection lost')
}
