import type { PeerRecord } from '../backplane.js'
import { type Connection, plainError } from './connection.js'
import type { StarKeys } from './keys.js'
import type { RecordReader } from './records.js'
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

type ScanPart = [cursor: Buffer, items: Buffer[]]
type Take = (items: readonly Buffer[]) => void

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
   * @returns the generation of each, or undefined if none was made
   */
  async apply(
    turn: number,
    changes: readonly string[]
  ): Promise<{ sequence: number; generations: readonly number[] } | undefined> {
    const reply = await this.#run('starApply', this.#node, String(turn), ...changes)
    if (reply === null) return undefined
    const [sequence, generations] = asArray(reply)
    const numbers = asText(generations).split(' ').map(Number)
    if (numbers.length * 3 !== changes.length) throw unexpected(reply)
    return { sequence: asNumber(sequence), generations: numbers }
  }

  /** @returns nodes with a lease, and whether there is more to remove */
  async reap(ttl: number): Promise<{ nodes: readonly string[]; isMore: boolean }> {
    const [isMore, nodes] = asArray(await this.#run('starReap', String(ttl), String(CLEAN_LIMIT)))
    return { nodes: asArray(nodes).map(asText), isMore: isMore === 1 }
  }

  async leave(): Promise<void> {
    while ((await this.#run('starLeave', this.#node, String(CLEAN_LIMIT))) === 1);
  }

  /** All that other nodes hold, and the number of a change that is in it, as are those before. */
  async snapshot(): Promise<{ records: readonly PeerRecord[]; sequence: number }> {
    const sequence = await this.sequence()
    const records = new Map<string, PeerRecord>()
    await this.#scan(
      (redis, cursor) => redis.hscanBuffer(this.#keys.registry, cursor, 'COUNT', SCAN_COUNT),
      (items) => this.#reader.records(items, records)
    )
    for (const { node, key } of records.values()) if (node === this.#node) records.delete(key)
    return { records: [...records.values()], sequence }
  }

  /** Tells of all peers that are this node's in Redis, some at a time. */
  async own(tell: (keys: readonly string[]) => void): Promise<void> {
    await this.#scan(
      (redis, cursor) => redis.sscanBuffer(this.#keys.ownPrefix + this.#node, cursor, 'COUNT', SCAN_COUNT),
      (items) => tell(items.map((item) => item.toString('latin1')))
    )
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

  async #scan(ask: (redis: Connection['redis'], cursor: string) => Promise<ScanPart>, take: Take): Promise<void> {
    let asked: Promise<ScanPart> | undefined = this.#ask((redis) => ask(redis, '0'))
    while (asked !== undefined) {
      const [next, items]: ScanPart = await asked
      const cursor = asText(next)
      // Redis looks for the next part while this one is read here.
      asked = cursor === '0' ? undefined : this.#ask((redis) => ask(redis, cursor))
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
  return { epoch: asText(epoch), sequence: asNumber(sequence), nodes: asArray(nodes).map(asText) }
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(value)
  return value
}

function asText(value: unknown): string {
  if (!Buffer.isBuffer(value)) throw unexpected(value)
  return value.toString('latin1')
}

function asNumber(value: unknown): number {
  const number = Number(asText(value))
  if (!Number.isSafeInteger(number)) throw unexpected(value)
  return number
}

function unexpected(value: unknown): Error {
  return new TypeError(`Redis answered something unexpected: ${String(value).slice(0, 100)}`)
}
