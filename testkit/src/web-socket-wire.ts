import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { BINARY, CLOSE, fragmentedFrames, maskedFrame, PING, PONG, TEXT, textFrame } from './frame.js'
import { FrameReader, type FrameHandler } from './frame-reader.js'
import { address, headersOf, type Closed, type Packet, type Receive, type Wire, type WireOptions } from './wire.js'

/** Takes a frame, or leaves it to others by returning false. */
export type FrameFilter = (...frame: Parameters<FrameHandler>) => boolean

const NO_CLOSE_FRAME = 1006
const CLOSE_WITHOUT_CODE = 1005

/** A WebSocket over a plain TCP socket: frames that were made ahead of time are written straight to it. */
export class WebSocketWire implements Wire {
  /** The socket below, to write what is no packet, or to stop reading. */
  readonly tcp: Socket
  /** Settles when the server has accepted the WebSocket, or has not. */
  readonly opened: Promise<void>
  readonly closed: Promise<Closed>
  /** Whether pings (opcode 9) are answered. */
  pong: boolean
  readonly #receive: Receive
  readonly #filters: FrameFilter[] = []
  readonly #onReads: ((bytes: number) => void)[] = []
  readonly #reader: FrameReader
  /** The server's answer to the upgrade, until it is whole. */
  #head: Buffer | undefined = Buffer.alloc(0)
  #isGivenUp = false
  #end: Closed = { code: NO_CLOSE_FRAME, reason: '' }
  #open: () => void = () => {}

  constructor(url: string, options: WireOptions, receive: Receive) {
    const target = address(url, 'websocket', options)
    this.#receive = receive
    this.pong = options.pong ?? true
    this.#reader = new FrameReader((...frame) => this.#take(...frame), options.frameBuffer)
    this.tcp = this.#connect(target, options)
    this.tcp.on('error', ({ message }) => (this.#end.reason ||= message))
    this.closed = new Promise((resolve) => {
      this.tcp.once('close', () => {
        resolve(this.#end)
        if (!this.#isGivenUp) options.onLost?.(this.#end)
      })
    })
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve
      void this.closed.then(({ reason }) => reject(new Error(`the WebSocket was not opened: ${reason}`)))
    })
    // Told by `closed` to those who do not wait for it.
    this.opened.catch(() => {})
    const headers = Object.entries(headersOf(options)).map(([name, value]) => `${name}: ${value}\r\n`)
    this.tcp.write(
      `GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${target.host}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n' +
        `${headers.join('')}\r\n`
    )
  }

  send(...packets: Packet[]): void {
    this.tcp.cork()
    for (const packet of packets) this.tcp.write(frameOf(packet))
    this.tcp.uncork()
  }

  /** Sends one message in continuation frames of at most `size` bytes. */
  sendFragmented(packet: Packet, size: number): void {
    const opcode = typeof packet === 'string' ? TEXT : BINARY
    for (const frame of fragmentedFrames(opcode, Buffer.from(packet), size)) this.tcp.write(frame)
  }

  ping(): void {
    this.tcp.write(maskedFrame(PING))
  }

  /** Says goodbye as a browser does: the server ends the connection. */
  sayGoodbye(code: number): void {
    this.tcp.write(maskedFrame(CLOSE, Buffer.of(code >> 8, code & 0xff)))
  }

  /** Hands frames to the filter before anything else is done with them. */
  filter(filter: FrameFilter): void {
    this.#filters.push(filter)
  }

  /** Calls the listener after the frames of each read were handled, with the number of bytes read. */
  onRead(listener: (bytes: number) => void): void {
    this.#onReads.push(listener)
  }

  /** From now on the end of the connection is no loss: the server may close it. */
  expectClose(): void {
    this.#isGivenUp = true
  }

  close(): void {
    this.#isGivenUp = true
    this.tcp.destroy()
  }

  #connect({ protocol, hostname: host, port: text }: URL, { ca, readBuffer, localAddress }: WireOptions): Socket {
    const port = Number(text)
    if (readBuffer === undefined) {
      const name = isIP(host) === 0 ? { servername: host } : {}
      const tcp =
        protocol === 'https:'
          ? connectTls({ host, port, ca, ...name })
          : connect({ host, port, localAddress, noDelay: true })
      return tcp.on('data', (bytes: Buffer) => this.#read(bytes))
    }
    const onread: OnReadOpts = {
      buffer: readBuffer,
      callback: (length) => {
        this.#read(Buffer.from(readBuffer.buffer, readBuffer.byteOffset, length))
        return true
      }
    }
    return connect({ host, port, localAddress, noDelay: true, onread })
  }

  #read(bytes: Buffer): void {
    if (this.#head === undefined) {
      this.#reader.push(bytes)
    } else {
      this.#head = Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) return
      const rest = this.#head.subarray(end + 4)
      const answer = this.#head.toString('latin1', 0, end)
      this.#head = undefined
      const status = Number(answer.split(' ', 2)[1])
      if (status !== 101) {
        this.#end = { code: status, reason: `no WebSocket: ${answer.slice(0, 200)}` }
        this.tcp.destroy()
        return
      }
      this.#open()
      this.#reader.push(rest)
    }
    for (const onRead of this.#onReads) onRead(bytes.length)
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    for (const filter of this.#filters) if (filter(opcode, bytes, start, end)) return
    if (opcode === TEXT) {
      this.#receive(bytes.toString('utf8', start, end))
    } else if (opcode === BINARY) {
      this.#receive(Buffer.from(bytes.subarray(start, end)))
    } else if (opcode === PING) {
      if (this.pong) this.tcp.write(maskedFrame(PONG, bytes.subarray(start, end)))
    } else if (opcode === CLOSE) {
      const code = end - start >= 2 ? bytes.readUInt16BE(start) : CLOSE_WITHOUT_CODE
      this.#end = { code, reason: bytes.toString('utf8', start + 2, end) }
      this.tcp.end(maskedFrame(CLOSE, bytes.subarray(start, end)))
    }
  }
}

function frameOf(packet: Packet): Buffer {
  return typeof packet === 'string' ? textFrame(packet) : maskedFrame(BINARY, packet)
}
