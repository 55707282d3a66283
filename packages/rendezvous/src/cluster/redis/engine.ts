import type { PeerRecord } from '../../registry/claim.js'
import { type Connection, plainError } from './connection.js'
import type { StarKeys } from './keys.js'
import { isNode, type RecordReader } from './records.js'
import { SCRIPT_KEYS, type ScriptName } from './scripts.js'

/** What Redis says of a star when a lease is taken or renewed. */
export interface StarState {
  readonly epoch: string
  /** Changes of the registry so far. */
  readonly sequence: number
  /** Nodes with a lease. */
  readonly nodes: readonly string[]
}

/** Peers that are removed in one go at most: Redis does nothing else meanwhile, for about five milliseconds. */
const CLEAN_LIMIT = 1_000
/** Peers that are read in one go, at about. */
const SCAN_COUNT = 1_000

export interface Applied {
  /** Number of the last change of all. */
  readonly sequence: number
  /** Of each change; 0 for a release, and if another node holds the peer. */
  readonly generations: readonly number[]
  /** What other nodes hold of what was claimed. */
  readonly elsewhere: readonly PeerRecord[]
}

export interface Snapshot {
  /** Number of the last change before it. */
  readonly sequence: number
  /** Generations of what this node holds. */
  readonly own: ReadonlyMap<string, number>
  readonly others: readonly PeerRecord[]
}

/** What a node asks of Redis, and what it gets. Everything rejects if there is no connection, or as Redis refuses. */
export class Engine {
  readonly #connection: Connection
  readonly #keys: StarKeys
  readonly #scriptKeys: readonly string[]
  readonly #node: string
  readonly #reader: RecordReader

  constructor(connection: Connection, keys: StarKeys, node: string, reader: RecordReader) {
    this.#connection = connection
    this.#keys = keys
    this.#scriptKeys = [...SCRIPT_KEYS.map((name) => keys[name]), keys.ownPrefix]
    this.#node = node
    this.#reader = reader
  }

  /** @returns undefined if a later turn is known: this was sent long ago */
  async register(turn: number, ttl: number, seen: number, epoch: string): Promise<StarState | undefined> {
    return asState(await this.#run('starRegister', this.#node, String(turn), String(ttl), String(seen), epoch))
  }

  /** @returns undefined if there is no lease to renew */
  async renew(ttl: number, seen: number, epoch: string): Promise<StarState | undefined> {
    return asState(await this.#run('starRenew', this.#node, String(ttl), String(seen), epoch))
  }

  /**
   * @param changes - kind, key and address of each, one after the other
   * @returns undefined if none was made
   */
  async apply(turn: number, changes: readonly string[]): Promise<Applied | undefined> {
    const reply = await this.#run('starApply', this.#node, String(turn), ...changes)
    if (reply === null) return undefined
    const [sequence, generations, held] = asArray(reply)
    const numbers = asText(generations).split(' ').map(Number)
    if (numbers.length * 3 !== changes.length) throw unexpected(reply)
    const elsewhere = new Map<string, PeerRecord>()
    this.#reader.records(asArray(held).map(asBuffer), elsewhere)
    return { sequence: asNumber(sequence), generations: numbers, elsewhere: [...elsewhere.values()] }
  }

  /** @returns nodes with a lease, and whether there is more to remove */
  async reap(ttl: number): Promise<{ nodes: readonly string[]; isMore: boolean }> {
    const [isMore, nodes] = asArray(await this.#run('starReap', String(ttl), String(CLEAN_LIMIT)))
    return { nodes: asNodes(nodes), isMore: isMore === 1 }
  }

  async leave(): Promise<void> {
    while ((await this.#run('starLeave', this.#node, String(CLEAN_LIMIT))) === 1);
  }

  /** The registry as it was at some moment, with all changes up to a number and perhaps later ones. */
  async snapshot(): Promise<Snapshot> {
    const sequence = await this.sequence()
    const others = new Map<string, PeerRecord>()
    await this.#scan((items) => this.#reader.records(items, others))
    const own = new Map<string, number>()
    for (const { node, key, generation } of others.values()) {
      if (node !== this.#node) continue
      own.set(key, generation)
      others.delete(key)
    }
    return { sequence, own, others: [...others.values()] }
  }

  async sequence(): Promise<number> {
    return asNumber((await this.#ask((redis) => redis.getBuffer(this.#keys.sequence))) ?? Buffer.from('0'))
  }

  async lookup(key: string): Promise<PeerRecord | undefined> {
    const bytes = await this.#ask((redis) => redis.hgetBuffer(this.#keys.registry, key))
    return bytes === null ? undefined : this.#reader.record(key, bytes)
  }

  /** @returns how many heard it */
  publish(node: string, message: Buffer): Promise<number> {
    return this.#connection.redis.publish(this.#keys.inboxPrefix + node, message)
  }

  /** Ends the wait of a connection for something new. */
  async unblock(client: number): Promise<void> {
    await this.#ask((redis) => redis.client('UNBLOCK', client))
  }

  async #scan(take: (items: readonly Buffer[]) => void): Promise<void> {
    const ask = (cursor: string): Promise<[cursor: Buffer, items: Buffer[]]> =>
      this.#ask((redis) => redis.hscanBuffer(this.#keys.registry, cursor, 'COUNT', SCAN_COUNT))
    let asked: ReturnType<typeof ask> | undefined = ask('0')
    while (asked !== undefined) {
      const [next, items]: Awaited<ReturnType<typeof ask>> = await asked
      const cursor = asText(next)
      // Redis looks for the next part while this one is read here.
      asked = cursor === '0' ? undefined : ask(cursor)
      asked?.catch(() => {})
      take(items)
    }
  }

  #run(script: ScriptName, ...args: readonly string[]): Promise<unknown> {
    return this.#ask((redis) => redis[`${script}Buffer`](...this.#scriptKeys, ...args))
  }

  async #ask<T>(ask: (redis: Connection['redis']) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#connection.redis)
    } catch (error) {
      throw plainError(error)
    }
  }
}

function asState(reply: unknown): StarState | undefined {
  if (reply === null) return undefined
  const [epoch, sequence, nodes] = asArray(reply)
  return { epoch: asText(epoch), sequence: asNumber(sequence), nodes: asNodes(nodes) }
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(value)
  return value
}

function asNodes(value: unknown): string[] {
  return asArray(value).map(asText).filter(isNode)
}

function asText(value: unknown): string {
  return asBuffer(value).toString('latin1')
}

function asBuffer(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw unexpected(value)
  return value
}

function asNumber(value: unknown): number {
  const number = Number(asText(value))
  if (!Number.isSafeInteger(number)) throw unexpected(value)
  return number
}

function unexpected(value: unknown): Error {
  return new TypeError(`Redis answered something unexpected: ${String(value).slice(0, 100)}`)
}
