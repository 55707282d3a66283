import type { PeerRecord } from '../../registry/claim.js'
import { type RedisConnection, plainError } from './redis-connection.js'
import type { StarKeys } from './keys.js'
import { isNode, type RecordReader } from './records.js'
import { SCRIPT_KEYS, type ScriptName } from './scripts.js'

/** State of a star, as Redis returns it with a lease. */
export interface StarState {
  readonly epoch: string
  /** Number of the last change of the registry. */
  readonly sequence: number
  readonly nodes: readonly string[]
}

/** Maximum of peers removed per script run, which blocks Redis for about five milliseconds. */
const CLEAN_LIMIT = 1_000
/** Approximate number of peers read per `HSCAN`. */
const SCAN_COUNT = 1_000

export interface ApplyResult {
  readonly sequence: number
  /** One generation per change; 0 for a release, and if another node owns the peer. */
  readonly generations: readonly number[]
  /** Records of other nodes that own claimed peers. */
  readonly elsewhere: readonly PeerRecord[]
}

export interface RegistrySnapshot {
  /** Number of the last change that is certainly included. */
  readonly sequence: number
  /** Generations of this node's peers, by key. */
  readonly own: ReadonlyMap<string, number>
  readonly others: readonly PeerRecord[]
}

/** The commands of a node to Redis. Each rejects without a connection, and with the error if Redis answers with one. */
export class StarCommands {
  readonly #connection: RedisConnection
  readonly #keys: StarKeys
  readonly #scriptKeys: readonly string[]
  readonly #node: string
  readonly #reader: RecordReader

  constructor(connection: RedisConnection, keys: StarKeys, node: string, reader: RecordReader) {
    this.#connection = connection
    this.#keys = keys
    this.#scriptKeys = [...SCRIPT_KEYS.map((name) => keys[name]), keys.ownPrefix]
    this.#node = node
    this.#reader = reader
  }

  /** Takes a lease. @returns undefined if this command is outdated, because Redis knows a later batch */
  async register(batch: number, ttl: number, seen: number, epoch: string): Promise<StarState | undefined> {
    return asState(await this.#run('starRegister', this.#node, String(batch), String(ttl), String(seen), epoch))
  }

  /** Renews the lease. @returns undefined if the lease is gone */
  async renew(ttl: number, seen: number, epoch: string): Promise<StarState | undefined> {
    return asState(await this.#run('starRenew', this.#node, String(ttl), String(seen), epoch))
  }

  /** Applies changes: kind, key and address of each, flattened. @returns undefined if the whole batch was refused */
  async apply(batch: number, changes: readonly string[]): Promise<ApplyResult | undefined> {
    const reply = await this.#run('starApply', this.#node, String(batch), ...changes)
    if (reply === null) return undefined
    const [sequence, generations, held] = asArray(reply)
    const numbers = asText(generations).split(' ').map(Number)
    if (numbers.length * 3 !== changes.length) throw unexpected(reply)
    const elsewhere = new Map<string, PeerRecord>()
    this.#reader.records(asArray(held).map(asBuffer), elsewhere)
    return { sequence: asNumber(sequence), generations: numbers, elsewhere: [...elsewhere.values()] }
  }

  /** Removes expired nodes and some of their peers. @returns nodes with a lease, and whether peers may remain to be removed */
  async reap(ttl: number): Promise<{ nodes: readonly string[]; isMore: boolean }> {
    const [isMore, nodes] = asArray(await this.#run('starReap', String(ttl), String(CLEAN_LIMIT)))
    return { nodes: asNodes(nodes), isMore: isMore === 1 }
  }

  async leave(): Promise<void> {
    while ((await this.#run('starLeave', this.#node, String(CLEAN_LIMIT))) === 1);
  }

  /** Reads the whole registry: all changes up to `sequence`, and perhaps later ones. */
  async snapshot(): Promise<RegistrySnapshot> {
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

  /** Publishes a message. @returns the number of subscribers that received the message */
  publish(node: string, message: Buffer): Promise<number> {
    return this.#connection.redis.publish(this.#keys.inboxPrefix + node, message)
  }

  /** Ends a blocking read of another connection. */
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
      // Redis reads the next part while this one is processed.
      asked = cursor === '0' ? undefined : ask(cursor)
      asked?.catch(() => {})
      take(items)
    }
  }

  #run(script: ScriptName, ...args: readonly string[]): Promise<unknown> {
    return this.#ask((redis) => redis[`${script}Buffer`](...this.#scriptKeys, ...args))
  }

  async #ask<T>(ask: (redis: RedisConnection['redis']) => Promise<T>): Promise<T> {
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
  return new TypeError(`Redis sent an unexpected reply to a script or command: ${String(value).slice(0, 100)}`)
}
