import { Inbox, within } from '@websocket-star/testkit'
import { generation, peerIdOf, type Generation, type KeyKind, type Version } from './generations.js'
import type { Callback, Connection, Listener, Multiaddr, PeerId, PeerInfo, WebsocketStar } from './legacy-types.js'
import { echo } from './streams.js'

export interface LegacyNodeOptions {
  /** What its address starts with, as `Star.multiaddr`. */
  readonly star: string
  /** Names its key, see `peerIdOf`. */
  readonly name: string
  /** Default: 0.10.2. */
  readonly version?: Version
  readonly key?: KeyKind
  /** What it proves to be; default: the key of `name`. `null`: nothing. */
  readonly id?: PeerId | null
  readonly allowJoinWithDisabledChallenge?: boolean
  /** Opens one more listener on the transport of this node. */
  readonly sibling?: LegacyNode
  /** Takes what others dial. Default: it echoes. */
  readonly handle?: (connection: Connection) => void
}

/** A listener of a real libp2p-websocket-star, with promises; it echoes what anyone sends, unless it is told otherwise. */
export class LegacyNode implements AsyncDisposable {
  /** What it joins as. */
  readonly address: string
  readonly peerId: string
  readonly transport: WebsocketStar
  readonly listener: Listener
  /** Addresses of others, as often as it heard of them. */
  readonly discovered = new Inbox<string>()
  /** Connections from others. */
  readonly accepted = new Inbox<Connection>()
  /** Names of the listener's events: `listening`, `close` and `error`. */
  readonly events = new Inbox<string>()
  readonly #multiaddr: Generation['multiaddr']

  private constructor(options: LegacyNodeOptions, id: PeerId) {
    const { handle = echo, version = '0.10.2' } = options
    const { WebsocketStar, multiaddr } = generation(version)
    this.#multiaddr = multiaddr
    this.peerId = id.toB58String()
    this.address = `${options.star}/ipfs/${this.peerId}`
    this.transport =
      options.sibling?.transport ??
      new WebsocketStar({
        id: options.id === null ? undefined : (options.id ?? id),
        allowJoinWithDisabledChallenge: options.allowJoinWithDisabledChallenge
      })
    this.transport.discovery.on('peer', (peer: PeerInfo) => {
      for (const address of peer.multiaddrs.toArray()) this.discovered.push(address.toString())
    })
    this.listener = this.transport.createListener((connection) => {
      this.accepted.push(connection)
      handle(connection)
    })
    for (const event of ['listening', 'close', 'error']) this.listener.on(event, () => this.events.push(event))
  }

  static async create(options: LegacyNodeOptions): Promise<LegacyNode> {
    return new LegacyNode(options, await peerIdOf(options.name, options.version, options.key))
  }

  /** Connects and joins. The old package shows the server's refusals as errors with the server's text. */
  listen(): Promise<void> {
    return called(`${this.address} to join`, (callback) => {
      this.listener.listen(this.#multiaddr(this.address), callback)
    })
  }

  dial(address: string): Promise<Connection> {
    return called(`an answer to a dial of ${address}`, (callback) => {
      this.transport.dial(this.#multiaddr(address), callback)
    })
  }

  /** As applications leave: the socket goes when the last connection has ended. */
  close(): Promise<void> {
    return called(`${this.address} to close`, (callback) => this.listener.close(callback))
  }

  /** The end, whatever is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    this.listener.io?.disconnect()
  }
}

/** A node that has joined. */
export async function joinLegacy(options: LegacyNodeOptions): Promise<LegacyNode> {
  const node = await LegacyNode.create(options)
  try {
    await node.listen()
    return node
  } catch (error) {
    await node[Symbol.asyncDispose]()
    throw error
  }
}

/** Turns a callback into a promise; the old packages report errors as strings now and then. */
export function called<T = void>(what: string, call: (callback: Callback<T>) => void): Promise<T> {
  const answer = new Promise<T>((resolve, reject) => {
    call((error, value) => {
      if (error) reject(error instanceof Error ? error : new Error(error))
      // without an error there is the value that `T` says
      else resolve(value as T)
    })
  })
  return within(what, answer)
}

/** Whom a connection is with, as far as its owner was told. */
export async function observedAddress(connection: Connection): Promise<string> {
  const addresses = await called<Multiaddr[]>('the observed addresses', (callback) => {
    connection.getObservedAddrs(callback)
  })
  return addresses.join()
}

/** What a dial or a join that is refused is told; undefined if it is not refused. */
export async function refusal(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
