import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Characters of what the server said that are kept. */
const HEARD_MAX = 32_768
/** Milliseconds that the server has to close a connection that has ended, before it is cut. */
const END_PATIENCE = 400

let opened = 0

/** A TCP connection to a server on this machine. It takes whatever happens to it. */
export class Line {
  /** What the server has said, a character for each byte. */
  heard = ''
  isClosed = false
  /** Where what has not been waited for begins. */
  #unheard = 0
  readonly #socket: Socket
  readonly #closed: Promise<void>
  #wake: (() => void) | undefined

  constructor(port: number, onHeard?: (line: Line) => void) {
    // Ports of one address are soon all in use, since each is kept for a while after its connection.
    const localAddress = `127.0.0.${1 + (opened++ % 250)}`
    this.#socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes: Buffer) => {
      const heard = this.heard + bytes.toString('latin1')
      this.heard = heard.slice(-HEARD_MAX)
      this.#unheard = Math.max(0, this.#unheard - (heard.length - this.heard.length))
      onHeard?.(this)
      this.#wake?.()
    })
    this.#closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.isClosed = true
        this.#wake?.()
        resolve()
      })
    })
  }

  write(bytes: Uint8Array | string): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** Waits a moment for the server to say something, after what was waited for before. */
  async hear(what: RegExp, ms: number): Promise<void> {
    const end = performance.now() + ms
    for (;;) {
      const found = what.exec(this.heard.slice(this.#unheard))
      const left = end - performance.now()
      if (found !== null) this.#unheard += found.index + found[0].length
      if (found !== null || this.isClosed || left <= 0) return
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(left)])
    }
  }

  /** Ends it, so that the server gets all that was written, and waits until it is closed. */
  async end(): Promise<void> {
    this.#socket.end()
    const patience = setTimeout(() => this.cut(), END_PATIENCE)
    await this.#closed
    clearTimeout(patience)
  }

  cut(): void {
    this.#socket.destroy()
  }
}
