import type { SocketLike } from './socket.js'

const { Buffer: BufferClass, process } = globalThis as {
  Buffer?: {
    isBuffer(value: unknown): boolean
    from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array
  }
  process?: { versions?: { node?: string } }
} // Node's

/** Converts bytes to what the parser of a socket sends as binary. */
export class Attachments {
  /** Version 2 sends only Buffers and whole ArrayBuffers as binary, and other parsers may do so too. */
  readonly #takesViews: boolean
  readonly #takesBlobs: boolean

  constructor(socket: SocketLike) {
    const { io } = socket as { io?: { opts?: { parser?: unknown } } } // a client's
    const isParserOwn = io?.opts?.parser === undefined
    this.#takesViews = isParserOwn && 'onAny' in socket
    // In Node, engine.io would send the text "[object Blob]" in place of the bytes.
    this.#takesBlobs = isParserOwn && process?.versions?.node === undefined
  }

  attach(bytes: Uint8Array): unknown {
    if (BufferClass !== undefined) {
      return BufferClass.isBuffer(bytes) ? bytes : BufferClass.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    // A browser's WebSocket refuses shared memory.
    return this.#takesViews && bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice().buffer
  }

  /** Returns whether a value is a Blob or File that the socket sends as binary. */
  isBlob(value: object): value is Blob {
    return this.#takesBlobs && value instanceof Blob
  }
}
