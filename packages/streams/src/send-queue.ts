import { Queue } from './queue.js'

/** Encoded values of a sink that have not been sent yet. */
export interface SendQueue<T> {
  readonly size: number
  readonly isEmpty: boolean
  push(wire: T, size: number): void
  /** Removes and returns the next chunk of at most `max` bytes; a message may exceed `max`. */
  take(max: number): { wire: T; size: number } | undefined
  clear(): void
}

/** Keeps values whole. It ignores `max`: a value larger than the window could otherwise never be sent. */
export class MessageQueue implements SendQueue<unknown> {
  readonly #values = new Queue<{ wire: unknown; size: number }>()
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

/** Joins small writes and cuts large ones. */
export class ByteQueue implements SendQueue<Uint8Array> {
  readonly #pieces = new Queue<Uint8Array>()
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
