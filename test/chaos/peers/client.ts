import {
  createStarClient,
  type Connection,
  type StarClient,
  type StarClientOptions,
  type StarPrivateKey
} from '@websocket-star/client'
import { ConnectionSide } from '../../cluster/parties.js'
import type { Way } from '../ways.js'
import type { Accept, Peer, Pipe } from './peer.js'

/** What clients of today's kind have in common: they give up sooner, so that much happens. */
export const HASTE = {
  connectTimeout: 4_000,
  joinTimeout: 6_000,
  dialTimeout: 10_000,
  backoff: { initial: 50, max: 1_000 }
}

/** Socket.io hands an agent on to what connects, though its types know of a name or a flag only. */
export function leading(way: Way): { agent: string } {
  return { agent: way as unknown as string }
}

/** Today's client. */
export class ClientPeer implements Peer {
  readonly way: Way
  readonly #client: StarClient

  private constructor(client: StarClient, way: Way) {
    this.#client = client
    this.way = way
  }

  static async open(
    privateKey: StarPrivateKey,
    way: Way,
    accept: Accept,
    transports: StarClientOptions['transports'] = ['websocket']
  ): Promise<ClientPeer> {
    const servers = [way.star.url]
    const client = await createStarClient({ servers, privateKey, transports, ...HASTE, socket: leading(way) })
    client.handle((connection) => accept(new ConnectionPipe(connection)))
    client.join().catch(() => {})
    return new ClientPeer(client, way)
  }

  get id(): string {
    return this.#client.peerId
  }

  get isJoined(): boolean {
    return this.#client.servers.every(({ state }) => state === 'joined')
  }

  get known(): ReadonlySet<string> {
    return new Set(Array.from(this.#client.peers, ({ id }) => id))
  }

  async dial(id: string): Promise<Pipe> {
    return new ConnectionPipe(await this.#client.dial(`${this.way.star.multiaddr}/p2p/${id}`))
  }

  async leave(): Promise<void> {
    await this.#client.close()
  }

  crash(): void {
    this.way.cut()
    void this.#client.close()
  }

  freeze(): void {
    this.way.silence()
  }
}

class ConnectionPipe extends ConnectionSide implements Pipe {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super(connection)
    this.#connection = connection
  }

  release(): void {}

  abort(): void {
    this.#connection.abort('given up')
  }
}
