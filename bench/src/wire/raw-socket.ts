import { connect, type Socket } from 'node:net'
import { CLOSE, maskedFrame, PING, PONG } from './frame.js'
import { FrameReader, type FrameHandler } from './frame-reader.js'

/** Takes a frame, or leaves it to others by returning false. */
export type FrameFilter = (opcode: number, bytes: Buffer, start: number, end: number) => boolean

/** Bytes read at once: enough for the load not to be what is slow. */
const READ_SIZE = 256 * 1024

/** A WebSocket of the load: frames made ahead of time are written straight to its TCP socket. */
export class RawSocket {
  readonly tcp: Socket
  readonly #handle: FrameHandler
  readonly #filters: FrameFilter[] = []
  readonly #reads: (() => void)[] = []
  #closing = false

  private constructor(tcp: Socket, handle: FrameHandler) {
    this.tcp = tcp
    this.#handle = handle
  }

  /** Connects and upgrades. */
  static open(port: number, path: string, handle: FrameHandler): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      let head: Buffer | undefined = Buffer.alloc(0)
      const tcp = connect({
        host: '127.0.0.1',
        port,
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafeSlow(READ_SIZE),
          callback: (length, buffer) => {
            let bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length)
            if (head !== undefined) {
              head = Buffer.concat([head, bytes])
              const end = head.indexOf('\r\n\r\n')
              if (end === -1) return true
              if (!head.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
                reject(new Error(`no WebSocket at ${path}: ${head.toString('latin1', 0, 200)}`))
                return false
              }
              bytes = head.subarray(end + 4)
              head = undefined
              resolve(socket)
            }
            reader.push(bytes)
            for (const onRead of socket.#reads) onRead()
            return true
          }
        }
      })
      const socket = new RawSocket(tcp, handle)
      const reader = new FrameReader((opcode, bytes, start, end) => socket.#take(opcode, bytes, start, end))
      tcp.once('error', (error) => socket.#lost(error, reject))
      tcp.once('close', () => socket.#lost(new Error(`the server closed the connection to ${path}`), reject))
      tcp.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
      )
    })
  }

  /** Frames go through the filter first. */
  filter(filter: FrameFilter): void {
    this.#filters.push(filter)
  }

  /** Called after the frames of each read were handled. */
  onRead(listener: () => void): void {
    this.#reads.push(listener)
  }

  /** Drops the connection; from now on its end is no failure. */
  close(): void {
    this.#closing = true
    this.tcp.destroy()
  }

  /** From now on the end of the connection is no failure: the server may close it. */
  expectClose(): void {
    this.#closing = true
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    for (const filter of this.#filters) if (filter(opcode, bytes, start, end)) return
    if (opcode === PING) this.tcp.write(maskedFrame(PONG, bytes.subarray(start, end)))
    else if (opcode !== CLOSE) this.#handle(opcode, bytes, start, end)
    else if (!this.#closing) {
      throw new Error(`the server closed a WebSocket: ${bytes.toString('utf8', start + 2, end) || 'no reason given'}`)
    }
  }

  /** A connection that is lost fails the whole measurement, unless it was given up. */
  #lost(error: Error, reject: (error: Error) => void): void {
    if (this.#closing) return
    this.#closing = true
    reject(error)
    queueMicrotask(() => {
      throw error
    })
  }
}
