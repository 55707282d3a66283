/** What waits to be sent, in order. */
export interface Backlog<T> {
  /** Bytes, or what a value counts as. */
  readonly size: number
  readonly isEmpty: boolean
  push(wire: T, size: number): void
  /** The next chunk of at most `max`, or undefined if the first cannot be sent with so little. */
  take(max: number): { wire: T; size: number } | undefined
  clear(): void
}

/** Values that stay what they are: one may exceed what may be sent, or it would never be. */
export class Messages implements Backlog<unknown> {
  readonly #values = new Fifo<{ wire: unknown; size: number }>()
  size = 0

  get isEmpty(): boolean {
    return this.#values.isEmpty
  }

  push(wire: unknown, size: number): void {
    this.#values.push({ wire, size })
    this.size += size
  }

  take(): { wire: unknown; size: number } | undefined {
    const value = this.#values.shift()
    if (value !== undefined) this.size -= value.size
    return value
  }

  clear(): void {
    this.#values.clear()
    this.size = 0
  }
}

/** Bytes without borders: small pieces are joined, large ones are cut. */
export class Bytes implements Backlog<Uint8Array> {
  readonly #pieces = new Fifo<Uint8Array>()
  size = 0

  get isEmpty(): boolean {
    return this.size === 0
  }

  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#pieces.push(bytes)
    this.size += bytes.byteLength
  }

  take(max: number): { wire: Uint8Array; size: number } | undefined {
    const size = Math.min(max, this.size)
    if (size < 1) return undefined
    const first = this.#pieces.first
    if (first === undefined) return undefined
    this.size -= size
    if (first.byteLength === size) return { wire: first, size: this.#drop(size) }
    if (first.byteLength > size) {
      this.#pieces.first = first.subarray(size)
      return { wire: first.subarray(0, size), size }
    }
    const wire = new Uint8Array(size)
    for (let at = 0; at < size;) at += this.#moveTo(wire, at)
    return { wire, size }
  }

  clear(): void {
    this.#pieces.clear()
    this.size = 0
  }

  #drop(size: number): number {
    this.#pieces.shift()
    return size
  }

  /** @returns how many bytes of the first piece fitted */
  #moveTo(target: Uint8Array, at: number): number {
    const { first } = this.#pieces
    if (first === undefined) return target.length - at
    const room = target.length - at
    if (first.byteLength <= room) {
      target.set(first, at)
      return this.#drop(first.byteLength)
    }
    target.set(first.subarray(0, room), at)
    this.#pieces.first = first.subarray(room)
    return room
  }
}

/** First in, first out, in constant time. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get isEmpty(): boolean {
    return this.#head === this.#items.length
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  set first(item: T | undefined) {
    this.#items[this.#head] = item
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.isEmpty) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}

const JOINED_SIZE = 65_536

/** Small chunks, copied into one, so that none keeps alive all of what was read with it. */
export class JoinedChunks {
  #bytes = new Uint8Array(4_096)
  #length = 0

  constructor(first: Uint8Array) {
    this.add(first)
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  get size(): number {
    return this.#length
  }

  /** @returns false if there is no room for it */
  add(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.length
    if (length > JOINED_SIZE) return false
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(JOINED_SIZE, Math.max(length, 2 * this.#bytes.length)))
      larger.set(this.value)
      this.#bytes = larger
    }
    this.#bytes.set(chunk, this.#length)
    this.#length = length
    return true
  }
}
