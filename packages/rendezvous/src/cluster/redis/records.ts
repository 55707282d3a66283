import type { PeerRecord } from '../../registry/claim.js'

/** A peer id in base58. Ids of RSA keys begin with `Q`, others with `1`. */
const PEER_ID = /^[Q1][1-9A-HJ-NP-Za-km-z]{1,127}$/
/** Printable ASCII, 1,024 characters at most. */
const ADDRESS = /^\/[\x20-\x7e]{0,1023}$/
const NODE = /^[A-Za-z0-9_.-]{1,64}$/

const NEW_LINE = 0x0a
const TAB = 0x09
const BAR = 0x7c
const PLUS = 0x2b
const MINUS = 0x2d
const GONE = 0x78
const ZERO = 0x30
const NOTHING = Buffer.alloc(0)

/** Maximum of shared node ids. A star has far fewer nodes. */
const NODES_MAX = 1_024

/** One line of a feed entry. */
export type FeedChange =
  | { readonly type: 'joined'; readonly record: PeerRecord }
  | { readonly type: 'left'; readonly key: string; readonly node: string; readonly generation: number }
  /** A node lost its lease. */
  | { readonly type: 'gone'; readonly node: string }

/** Whether a text is a valid key of a peer: a peer id or an address. */
export function isKey(text: string): boolean {
  return PEER_ID.test(text) || ADDRESS.test(text)
}

export function isNode(text: string): boolean {
  return NODE.test(text)
}

export function isAddress(text: string): boolean {
  return ADDRESS.test(text)
}

/**
 * Parses records and changes that other nodes wrote to Redis. Everything is checked, since other programs may write there, too.
 * Strings are copied, so that none keeps its buffer in memory. Equal node ids share one string.
 */
export class RecordReader {
  readonly #nodes = new Map<string, string>()
  /** Number of malformed records and changes. */
  refused = 0

  /** Parses a record of the registry: `node|generation|address`. */
  record(key: string, bytes: Buffer): PeerRecord | undefined {
    return this.#checked(isKey(key) ? this.#record(key, bytes, 0, bytes.length) : undefined)
  }

  /** Parses alternating keys and records. */
  records(items: readonly Buffer[], records: Map<string, PeerRecord>): void {
    for (let at = 0; at + 1 < items.length; at += 2) {
      const record = this.record((items[at] ?? NOTHING).toString('latin1'), items[at + 1] ?? NOTHING)
      if (record !== undefined) records.set(record.key, record)
    }
  }

  /** Parses a feed entry, which has one change per line. A malformed change becomes undefined. */
  changes(bytes: Buffer): (FeedChange | undefined)[] {
    const changes: (FeedChange | undefined)[] = []
    for (let start = 0, end: number; start < bytes.length; start = end + 1) {
      end = lineEnd(bytes, start)
      changes.push(this.#checked(this.#change(bytes, start, end)))
    }
    return changes
  }

  #checked<T>(result: T | undefined): T | undefined {
    if (result === undefined) this.refused++
    return result
  }

  #change(bytes: Buffer, start: number, end: number): FeedChange | undefined {
    const kind = bytes[start]
    if (kind === GONE) {
      const node = this.#node(bytes.toString('latin1', start + 1, end))
      return node === undefined ? undefined : { type: 'gone', node }
    }
    const tab = find(bytes, TAB, start, end)
    if (tab === undefined) return undefined
    const key = bytes.toString('latin1', start + 1, tab)
    if (!isKey(key)) return undefined
    if (kind === PLUS) {
      const record = this.#record(key, bytes, tab + 1, end)
      return record === undefined ? undefined : { type: 'joined', record }
    }
    return kind === MINUS ? this.#left(key, bytes, tab + 1, end) : undefined
  }

  #left(key: string, bytes: Buffer, start: number, end: number): FeedChange | undefined {
    const bar = find(bytes, BAR, start, end)
    if (bar === undefined) return undefined
    const node = this.#node(bytes.toString('latin1', start, bar))
    const generation = readGeneration(bytes, bar + 1, end)
    return node === undefined || generation === undefined ? undefined : { type: 'left', key, node, generation }
  }

  #record(key: string, bytes: Buffer, start: number, end: number): PeerRecord | undefined {
    const bar = find(bytes, BAR, start, end)
    const secondBar = bar && find(bytes, BAR, bar + 1, end)
    if (bar === undefined || secondBar === undefined) return undefined
    const node = this.#node(bytes.toString('latin1', start, bar))
    const generation = readGeneration(bytes, bar + 1, secondBar)
    const address = bytes.toString('latin1', secondBar + 1, end)
    if (node === undefined || generation === undefined || !isAddress(address)) return undefined
    return { key, node, generation, address }
  }

  #node(text: string): string | undefined {
    const known = this.#nodes.get(text)
    if (known !== undefined) return known
    if (!isNode(text)) return undefined
    if (this.#nodes.size >= NODES_MAX) this.#nodes.clear()
    this.#nodes.set(text, text)
    return text
  }
}

/** Returns the offset of a byte before `end`. A loop is faster than `indexOf`, since most such bytes are near. */
function find(bytes: Buffer, byte: number, start: number, end: number): number | undefined {
  for (let at = start; at < end; at++) if (bytes[at] === byte) return at
  return undefined
}

function lineEnd(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(NEW_LINE, start)
  return end === -1 ? bytes.length : end
}

/** Parses an integer from 1 to 2⁵³ − 1 without leading zeros. */
function readGeneration(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start < 1 || end - start > 16 || bytes[start] === ZERO) return undefined
  let generation = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return undefined
    generation = generation * 10 + digit
  }
  return Number.isSafeInteger(generation) ? generation : undefined
}
