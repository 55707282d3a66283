import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Connection, StarClient, StarClientOptions } from '@websocket-star/client'
import { within } from '@websocket-star/testkit'
import { onTestFinished } from 'vitest'
import type { End as PullEnd, Source } from '../support/legacy-types.js'
import { drained } from '../support/drained.js'
import { joinSocket, type StarSocket, type StreamPair } from '../support/socket.js'
import type { StarAddress } from '../support/star.js'
import { accepting, joinClient } from '../support/star-client.js'

/** One side of an open connection. Both directions end each by itself. */
export interface Side {
  /** Sends a piece; resolves when the way is free for another. Rejects once the other side wants no more. */
  send(piece: Buffer): Promise<void>
  /** Ends what it sends; resolves when all of it has been taken from here. */
  end(): Promise<void>
  /** Hands on all that comes; resolves at the end of it. It reads no more while a promise of `take` is pending. */
  receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void>
}

/** A real client that has joined a server. */
export interface Party {
  readonly address: string
  dial(other: Party): Promise<Side>
  /** The next dial of another. */
  accept(): Promise<Side>
}

/** `client`: today's, which keeps to windows and credit; `legacy`: socket.io-client 2 with socket.io-pull-stream. */
export type PartyKind = 'client' | 'legacy'

/** Joins a server; the party leaves with the test. */
export async function joinParty(
  kind: PartyKind,
  star: StarAddress,
  options: Partial<StarClientOptions> = {}
): Promise<Party> {
  if (kind === 'client') return new ClientParty(star, await joinClient(star.url, options))
  const socket = await joinSocket(star, randomUUID())
  onTestFinished(() => socket[Symbol.asyncDispose]())
  return new LegacyParty(socket)
}

/** A connection from one party to another, both ways open. */
export async function connectParties(near: Party, far: Party): Promise<{ near: Side; far: Side }> {
  const [dialled, accepted] = await within('a dial', Promise.all([near.dial(far), far.accept()]))
  return { near: dialled, far: accepted }
}

class ClientParty implements Party {
  readonly address: string
  readonly #client: StarClient
  readonly #accepted: ReturnType<typeof accepting>

  constructor({ multiaddr }: StarAddress, client: StarClient) {
    this.address = `${multiaddr}/p2p/${client.peerId}`
    this.#client = client
    this.#accepted = accepting(client)
  }

  async dial({ address }: Party): Promise<Side> {
    return new ConnectionSide(await this.#client.dial(address))
  }

  async accept(): Promise<Side> {
    return new ConnectionSide(await this.#accepted.next())
  }
}

/** An end of an open connection of today's client. */
export class ConnectionSide implements Side {
  readonly #connection: Connection
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async send(piece: Buffer): Promise<void> {
    // Told by `ready` as well, which is what is waited for.
    this.#open().write(piece).catch(ignore)
    await this.#open().ready
  }

  async end(): Promise<void> {
    await this.#open().close()
  }

  async receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    for await (const bytes of this.#connection.readable) await take(bytes)
  }

  #open(): WritableStreamDefaultWriter<Uint8Array> {
    this.#writer ??= this.#connection.writable.getWriter()
    return this.#writer
  }
}

class LegacyParty implements Party {
  readonly #socket: StarSocket

  constructor(socket: StarSocket) {
    this.#socket = socket
  }

  get address(): string {
    return this.#socket.address
  }

  async dial({ address }: Party): Promise<Side> {
    return this.#side(await this.#socket.dial(address, randomUUID()))
  }

  async accept(): Promise<Side> {
    return this.#side(await this.#socket.accepted.next('a dial'))
  }

  #side(pair: StreamPair): Side {
    const tcp = (this.#socket.socket as unknown as EngineBelow).io.engine.transport.ws._socket
    return new PullSide(pair, () => tcp)
  }
}

/** Bytes unsent from which a legacy sender waits for its own socket, as it has no other way to know. */
const ENOUGH = 262_144

/** What socket.io-client 2 has below it; it has no types. */
interface EngineBelow {
  readonly io: { readonly engine: { readonly transport: { readonly ws: { readonly _socket: Socket } } } }
}

/** An end of an open connection of socket.io-pull-stream. */
export class PullSide implements Side {
  readonly #tcp: () => Socket | undefined
  readonly #source: Source<Buffer>
  /** What the sink waits for with its next read. */
  #answer: ((end: PullEnd | null, piece?: Buffer) => void) | undefined
  #stopped: PullEnd | undefined
  #wake: (() => void) | undefined

  /** @param tcp - what the connection goes over, while there is something */
  constructor({ sink, source }: StreamPair, tcp: () => Socket | undefined) {
    this.#tcp = tcp
    this.#source = source
    sink((abort, answer) => {
      // It may have been given up before it was accepted.
      const end = abort ?? this.#stopped
      if (end === undefined) this.#answer = answer
      else {
        this.#stopped = end
        answer(end)
      }
      this.#wake?.()
    })
  }

  async send(piece: Buffer): Promise<void> {
    const answer = await this.#asked()
    answer(null, piece)
    const tcp = this.#tcp()
    if (tcp !== undefined && tcp.writableLength > ENOUGH && !tcp.destroyed) await drained(tcp)
    else await new Promise((resolve) => setImmediate(resolve))
  }

  async end(): Promise<void> {
    const answer = await this.#asked()
    answer(true)
  }

  receive(take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const read = (): void => {
        this.#source(null, (end, bytes) => {
          if (end === true) resolve()
          else if (end !== null || bytes === undefined) reject(asError(end))
          else Promise.resolve(take(bytes)).then(read, reject)
        })
      }
      read()
    })
  }

  /** Sends no more; what comes can only be ended by the other side. */
  abort(): void {
    if (this.#stopped !== undefined) return
    this.#stopped = 'given up'
    this.#answer?.('given up')
    this.#answer = undefined
    this.#wake?.()
  }

  /** Waits until the sink wants more. */
  async #asked(): Promise<(end: PullEnd | null, piece?: Buffer) => void> {
    while (this.#answer === undefined) {
      if (this.#stopped !== undefined) throw asError(this.#stopped)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const answer = this.#answer
    this.#answer = undefined
    return answer
  }
}

function asError(end: unknown): Error {
  return end instanceof Error ? end : new Error(`The stream was ended: ${String(end)}`)
}

function ignore(): void {}
