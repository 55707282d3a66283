import { type RedisConnection, plainError } from './redis-connection.js'
import type { FeedChange, RecordReader } from './records.js'

/** Maximum of entries per read. An entry has the changes of one batch. */
const ENTRIES = 32
/** Milliseconds before a failed read is repeated on the same connection. */
const RETRY = 200

export interface FeedObserver {
  /** Resolves when earlier answers to this node have been processed; undefined if none is awaited. Never rejects. */
  earlier(): Promise<void> | undefined
  changed(change: FeedChange): void
  /** Changes are missing, so that a snapshot is needed. */
  missed(): void
}

/**
 * Reads the changes of the registry that follow a snapshot, over a connection of its own. Changes are numbered, so a missing
 * change is noticed.
 */
export class Feed {
  readonly #connection: RedisConnection
  readonly #key: string
  readonly #block: number
  readonly #reader: RecordReader
  readonly #observer: FeedObserver
  readonly #onFault: (error: unknown) => void
  /** Number of the last reported change. */
  #position = 0
  #isPaused = true
  /** Number up to which entries are skipped, because changes before these entries are missing. */
  #skipped = 0
  #isReading = false
  #retry: NodeJS.Timeout | undefined

  /** @param block - milliseconds that Redis waits for a new entry */
  constructor(
    connection: RedisConnection,
    key: string,
    block: number,
    reader: RecordReader,
    observer: FeedObserver,
    onFault: (error: unknown) => void
  ) {
    this.#connection = connection
    this.#key = key
    this.#block = block
    this.#reader = reader
    this.#observer = observer
    this.#onFault = onFault
  }

  get position(): number {
    return this.#position
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether a read is under way, and perhaps waiting for a new entry. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** Stops reports until {@link resume}. */
  pause(): void {
    this.#isPaused = true
  }

  /** Continues after the last change of a snapshot. `isNew`: the node has just registered, so skipped entries are read again. */
  resume(sequence: number, isNew: boolean): void {
    this.#position = sequence
    this.#isPaused = false
    if (isNew) this.#skipped = 0
    void this.read()
  }

  stop(): void {
    this.pause()
    clearTimeout(this.#retry)
  }

  /** Reads until paused or disconnected. Call it when the connection is ready. */
  async read(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (!this.#isPaused && this.#connection.isReady) await this.#readOnce(this.#position)
    } catch {
      if (this.#isPaused) return
      // A new connection reads by itself. On the same connection, the reply was faulty.
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => void this.read(), RETRY)
    } finally {
      this.#isReading = false
    }
  }

  async #readOnce(position: number): Promise<void> {
    const after = Math.max(position, this.#skipped)
    const reply: unknown = await this.#connection.redis
      .xreadBuffer('COUNT', ENTRIES, 'BLOCK', this.#block, 'STREAMS', this.#key, `${after}-0`)
      .catch((error: unknown) => {
        throw plainError(error)
      })
    await this.#observer.earlier()
    // A snapshot replaces these changes, taken meanwhile or about to be taken.
    if (this.#isPaused || this.#position !== position) return
    for (const { id, bytes } of entriesOf(reply)) if (!this.#take(id, bytes)) return
  }

  /** Reports the changes of an entry. @returns whether to continue with the next entry */
  #take(id: number, bytes: Buffer): boolean {
    const changes = this.#reader.changes(bytes)
    if (id - changes.length !== this.#position) {
      this.#skipped = id
      this.pause()
      this.#observer.missed()
      return false
    }
    this.#position = id
    for (const change of changes) if (change !== undefined) this.#report(change)
    // The observer may have paused the feed.
    return !this.#isPaused
  }

  #report(change: FeedChange): void {
    try {
      this.#observer.changed(change)
    } catch (error) {
      this.#onFault(error)
    }
  }
}

/** Returns the entries in a reply to `XREAD` of one stream: the number of the last change, and the changes as bytes. */
function entriesOf(reply: unknown): { id: number; bytes: Buffer }[] {
  if (!Array.isArray(reply)) return []
  const [, entries] = (reply[0] ?? []) as unknown[]
  if (!Array.isArray(entries)) return []
  return entries.map(([id, fields]: [unknown, unknown]) => {
    const bytes: unknown = Array.isArray(fields) ? fields[1] : undefined
    return { id: Number.parseInt(String(id), 10), bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0) }
  })
}
