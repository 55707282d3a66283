import { type Connection, plainError } from './connection.js'
import type { Change, RecordReader } from './records.js'

/** Entries that are read in one go; each has the changes of one batch. */
const ENTRIES = 32
/** Milliseconds before a read that failed is tried again on the same connection. */
const RETRY = 200

export interface FeedListener {
  /** What has to come before changes that have just been read; undefined for nothing. Never rejects. */
  earlier(): Promise<void> | undefined
  /** The next change, or one that was not well-formed. */
  changed(change: Change): void
  /** Changes are missing: a snapshot has to make up for them. */
  missed(): void
}

/**
 * Reads the changes of the registry on a connection of its own, one after the other from where a snapshot left off. Each
 * has a number, so that none is missed unnoticed.
 */
export class Feed {
  readonly #connection: Connection
  readonly #key: string
  readonly #block: number
  readonly #reader: RecordReader
  readonly #listener: FeedListener
  readonly #onFault: (error: unknown) => void
  /** Number of the last change that was heard of. */
  #position = 0
  #isPaused = true
  /** Entries up to this number are not looked at again. */
  #skipped = 0
  #isReading = false
  #retry: NodeJS.Timeout | undefined

  /** @param block - milliseconds that Redis waits for something new */
  constructor(
    connection: Connection,
    key: string,
    block: number,
    reader: RecordReader,
    listener: FeedListener,
    onFault: (error: unknown) => void
  ) {
    this.#connection = connection
    this.#key = key
    this.#block = block
    this.#reader = reader
    this.#listener = listener
    this.#onFault = onFault
  }

  get position(): number {
    return this.#position
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** It asks, or waits for something new. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** Tells nothing until {@link resume}. */
  pause(): void {
    this.#isPaused = true
  }

  /**
   * Goes on after a change that a snapshot has.
   *
   * @param isNew - what was found in the feed before does not matter any more
   */
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

  /** Reads for as long as there is a connection, and somebody wants to hear. To be called when there is one. */
  async read(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (!this.#isPaused && this.#connection.isReady) await this.#readOnce(this.#position)
    } catch {
      if (this.#isPaused) return
      // On another connection as soon as there is one; if it is still the same, something is wrong with the answer.
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
    await this.#listener.earlier()
    // A snapshot has been taken meanwhile, or will be.
    if (this.#isPaused || this.#position !== position) return
    for (const { id, bytes } of entriesOf(reply)) if (!this.#take(id, bytes)) return
  }

  /** @returns whether to go on with the next entry */
  #take(id: number, bytes: Buffer): boolean {
    const changes = this.#reader.changes(bytes)
    if (id - changes.length !== this.#position) {
      this.#skipped = id
      this.pause()
      this.#listener.missed()
      return false
    }
    this.#position = id
    for (const change of changes) if (change !== undefined) this.#tell(change)
    // whoever heard of a change may have had enough
    return !this.#isPaused
  }

  #tell(change: Change): void {
    try {
      this.#listener.changed(change)
    } catch (error) {
      this.#onFault(error)
    }
  }
}

/** Entries of the one stream that was read: numbers of their last changes, and all their changes. */
function entriesOf(reply: unknown): { id: number; bytes: Buffer }[] {
  if (!Array.isArray(reply)) return []
  const [, entries] = (reply[0] ?? []) as unknown[]
  if (!Array.isArray(entries)) return []
  return entries.map(([id, fields]: [unknown, unknown]) => {
    const bytes: unknown = Array.isArray(fields) ? fields[1] : undefined
    return { id: Number.parseInt(String(id), 10), bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0) }
  })
}
