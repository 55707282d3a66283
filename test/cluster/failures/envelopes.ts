import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { Inbox } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import { onTestFinished } from 'vitest'

/**
 * What nodes publish to each other, written byte by byte as somebody would who is none of them. See the tables in
 * `packages/rendezvous/src/cluster/links`.
 */

const MAGIC = 0xc7
const VERSION = 2
const TYPES = { frames: 0, ack: 1, nack: 2, probe: 3, bye: 4, reset: 5 }
const FRAMES = { open: 1, opened: 2, accept: 3, data: 4, credit: 5, grant: 6, end: 7, probe: 8, probed: 9 }
/** In the first byte of a frame: the sender has opened the dial; the one who is asked is there. */
const YES = 0x80

export interface EnvelopeHead {
  readonly source: string
  readonly type?: keyof typeof TYPES
  readonly version?: number
  readonly from?: number
  readonly to?: number
  readonly sequence?: number
  readonly acknowledged?: number
}

export function envelope(head: EnvelopeHead, ...frames: readonly Buffer[]): Buffer {
  const { source, type = 'frames', version = VERSION, from = 1, to = 0, sequence = 1, acknowledged = 0 } = head
  const start = Buffer.from([MAGIC, version, TYPES[type], source.length])
  return Buffer.concat([start, ...[from, to, sequence, acknowledged].map(int64), Buffer.from(source), ...frames])
}

export function openFrame(channel: number, dialId: string, from: string, to: string): Buffer {
  return frame('open', channel, YES, text(dialId), text(from), text(to))
}

export function dataFrame(channel: number, bytes: Buffer): Buffer {
  return frame('data', channel, YES, int32(bytes.length), bytes)
}

export function countFrame(type: 'credit' | 'grant', channel: number, bytes: number): Buffer {
  return frame(type, channel, YES, int64(bytes))
}

export function endFrame(channel: number): Buffer {
  return frame('end', channel, YES)
}

export function openedFrame(channel: number): Buffer {
  return frame('opened', channel, 0)
}

export function probeFrame(id: number, key: string): Buffer {
  return Buffer.concat([Buffer.from([FRAMES.probe]), int64(id), text(key)])
}

/** Publishes bytes to one node's channel, on a connection of its own that ends with the test. */
export class Publisher {
  readonly #socket: Socket
  readonly #channel: string
  readonly #answers = new Inbox<string>()
  #published = 0

  private constructor(socket: Socket, channel: string) {
    this.#socket = socket
    this.#channel = channel
    let rest = ''
    socket.on('data', (bytes: Buffer) => {
      const lines = `${rest}${bytes.toString('latin1')}`.split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#answers.push(line)
    })
  }

  /** @param node - id of the node that is to hear it */
  static async open({ port }: RedisServer, node: string): Promise<Publisher> {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return new Publisher(socket, `ws{star}:in:${node}`)
  }

  /** Resolves once Redis has handed all on. */
  async publish(...messages: readonly Buffer[]): Promise<void> {
    for (const message of messages) {
      const head = `*3\r\n$7\r\nPUBLISH\r\n$${this.#channel.length}\r\n${this.#channel}\r\n$${message.length}\r\n`
      const isFree = this.#socket.write(Buffer.concat([Buffer.from(head), message, Buffer.from('\r\n')]))
      this.#published++
      if (!isFree) await once(this.#socket, 'drain')
    }
    const published = this.#published
    await this.#answers.until('Redis to answer', ({ length }) => length >= published)
  }
}

function frame(type: keyof typeof FRAMES, channel: number, flags: number, ...rest: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([FRAMES[type] | flags]), int32(channel), ...rest])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
