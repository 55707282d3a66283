import { isUtf8 } from 'node:buffer'
import { ADDRESS_MAX_LENGTH, DIAL_ID_MAX_LENGTH, WIRE_ERROR_MAX_LENGTH } from '@websocket-star/protocol'
import type { ChannelRef, Frame } from '../frames.js'
import { INTEGER_BYTES, readInteger, writeInteger } from './integer.js'

export const DATA_MAX = 2 ** 24

/** The first byte of a frame has its type in the low four bits, and up to three flags in the high ones. */
const TYPES = ['open', 'opened', 'accept', 'data', 'credit', 'grant', 'end', 'probe', 'probed'] as const
const TYPE_BITS = 0x0f
/** `isOpener`, `isExtended` or `isAlive`. */
const YES = 0x80
/** An error, a window or a network follows. In `end` frames: the half is `received`. */
const MORE = 0x40
/** A reason follows an `end`. */
const REASON = 0x20
const FLAGS: Readonly<Record<Frame['type'], number>> = {
  open: YES | MORE,
  opened: YES | MORE,
  accept: YES | MORE,
  data: YES,
  credit: YES,
  grant: YES,
  end: YES | MORE | REASON,
  probe: 0,
  probed: YES
}

const CHANNEL_MAX = 2 ** 32 - 1
const DIAL_ID = new RegExp(`^[A-Za-z0-9_~.:-]{1,${DIAL_ID_MAX_LENGTH}}$`)
const REF_BYTES = 5
const DATA_HEAD_BYTES = 9
const LENGTH_BYTES = 2

/** Returns the encoded bytes of a frame. @throws {RangeError} if a text or a number of the frame is out of bounds */
export function frameSize(frame: Frame): number {
  switch (frame.type) {
    case 'data':
      check(isChannel(frame.channel) && frame.bytes.length <= DATA_MAX, frame)
      return DATA_HEAD_BYTES + frame.bytes.length
    case 'open':
      check(isChannel(frame.channel) && DIAL_ID.test(frame.dialId), frame)
      check(isText(frame.from) && isText(frame.to) && isText(frame.network ?? '-'), frame)
      return (
        REF_BYTES +
        textSize(frame.dialId) +
        textSize(frame.from) +
        textSize(frame.to) +
        (frame.network === undefined ? 0 : textSize(frame.network))
      )
    case 'opened':
      check(isChannel(frame.channel), frame)
      return REF_BYTES + (frame.error === undefined ? 0 : textSize(cut(frame.error)))
    case 'accept':
      check(isChannel(frame.channel) && isCount(frame.window ?? 0), frame)
      return REF_BYTES + (frame.window === undefined ? 0 : INTEGER_BYTES)
    case 'credit':
    case 'grant':
      check(isChannel(frame.channel) && isCount(frame.bytes), frame)
      return REF_BYTES + INTEGER_BYTES
    case 'end':
      check(isChannel(frame.channel), frame)
      return REF_BYTES + (frame.reason === true ? 0 : textSize(cut(frame.reason)))
    case 'probe':
      check(isCount(frame.id) && isText(frame.key), frame)
      return 1 + INTEGER_BYTES + textSize(frame.key)
    case 'probed':
      check(isCount(frame.id), frame)
      return 1 + INTEGER_BYTES
  }
}

/** Writes a frame that {@link frameSize} has checked. @returns the offset of its end */
export function writeFrame(target: Buffer, start: number, frame: Frame): number {
  switch (frame.type) {
    case 'data': {
      const offset = writeRef(target, start, frame)
      target.writeUInt32BE(frame.bytes.length, offset)
      target.set(frame.bytes, offset + 4)
      return offset + 4 + frame.bytes.length
    }
    case 'open': {
      const flags = (frame.isExtended ? YES : 0) | (frame.network === undefined ? 0 : MORE)
      const offset = writeHead(target, start, frame.type, frame.channel, flags)
      const end = writeText(target, writeText(target, writeText(target, offset, frame.dialId), frame.from), frame.to)
      return frame.network === undefined ? end : writeText(target, end, frame.network)
    }
    case 'opened': {
      const flags = (frame.isExtended ? YES : 0) | (frame.error === undefined ? 0 : MORE)
      const offset = writeHead(target, start, frame.type, frame.channel, flags)
      return frame.error === undefined ? offset : writeText(target, offset, cut(frame.error))
    }
    case 'accept': {
      const offset = writeRef(target, start, frame, frame.window === undefined ? 0 : MORE)
      return frame.window === undefined ? offset : writeInteger(target, offset, frame.window)
    }
    case 'credit':
    case 'grant':
      return writeInteger(target, writeRef(target, start, frame), frame.bytes)
    case 'end': {
      const flags = (frame.half === 'received' ? MORE : 0) | (frame.reason === true ? 0 : REASON)
      const offset = writeRef(target, start, frame, flags)
      return frame.reason === true ? offset : writeText(target, offset, cut(frame.reason))
    }
    case 'probe':
      return writeText(target, writeInteger(target, writeType(target, start, frame.type, 0), frame.id), frame.key)
    case 'probed':
      return writeInteger(target, writeType(target, start, frame.type, frame.isAlive ? YES : 0), frame.id)
  }
}

/** Reads frames up to the end of the bytes. Chunks are views of the bytes. @returns undefined if a frame is malformed */
export function readFrames(bytes: Buffer, start: number): Frame[] | undefined {
  const reader = new FrameReader(bytes, start)
  const frames: Frame[] = []
  while (!reader.isAtEnd) {
    const frame = reader.frame()
    if (frame === undefined || reader.isFaulty) return undefined
    frames.push(frame)
  }
  return frames
}

/** Reads values one after the other. Once `isFaulty` is set, the results are meaningless. */
class FrameReader {
  readonly #bytes: Buffer
  #offset: number
  isFaulty = false

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes
    this.#offset = start
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length
  }

  /** @returns undefined if the type or its flags are unknown */
  frame(): Frame | undefined {
    const first = this.#bytes[this.#offset++] ?? 0
    const type = TYPES[(first & TYPE_BITS) - 1]
    if (type === undefined || (first & ~TYPE_BITS & ~FLAGS[type]) !== 0) return undefined
    const isYes = (first & YES) !== 0
    if (type === 'probe') return { type, id: this.#integer(), key: this.#text(ADDRESS_MAX_LENGTH, 1) }
    if (type === 'probed') return { type, id: this.#integer(), isAlive: isYes }
    const channel = this.#uint32()
    switch (type) {
      case 'data':
        return { type, channel, isOpener: isYes, bytes: this.#chunk() }
      case 'open': {
        const dialId = this.#text(DIAL_ID_MAX_LENGTH, 1)
        this.isFaulty ||= !DIAL_ID.test(dialId)
        const [from, to] = [this.#text(ADDRESS_MAX_LENGTH, 1), this.#text(ADDRESS_MAX_LENGTH, 1)]
        const network = (first & MORE) === 0 ? undefined : this.#text(ADDRESS_MAX_LENGTH, 1)
        return { type, channel, dialId, from, to, isExtended: isYes, network }
      }
      case 'opened':
        return { type, channel, isExtended: isYes, error: (first & MORE) === 0 ? undefined : this.#reason() }
      case 'accept':
        return { type, channel, isOpener: isYes, window: (first & MORE) === 0 ? undefined : this.#integer() }
      case 'credit':
      case 'grant':
        return { type, channel, isOpener: isYes, bytes: this.#integer() }
      case 'end': {
        const reason = (first & REASON) === 0 ? true : this.#reason()
        return { type, channel, isOpener: isYes, half: (first & MORE) === 0 ? 'sent' : 'received', reason }
      }
    }
  }

  #uint32(): number {
    const offset = this.#skip(4)
    return this.isFaulty ? 0 : this.#bytes.readUInt32BE(offset)
  }

  #integer(): number {
    const offset = this.#skip(INTEGER_BYTES)
    const value = this.isFaulty ? undefined : readInteger(this.#bytes, offset)
    this.isFaulty ||= value === undefined
    return value ?? 0
  }

  #chunk(): Buffer {
    const length = this.#uint32()
    this.isFaulty ||= length > DATA_MAX
    const offset = this.#skip(length)
    return this.#bytes.subarray(offset, offset + length)
  }

  #reason(): string {
    return this.#text(WIRE_ERROR_MAX_LENGTH, 0)
  }

  /** @param longest - UTF-16 code units */
  #text(longest: number, shortest: number): string {
    const lengthAt = this.#skip(LENGTH_BYTES)
    const length = this.isFaulty ? 0 : this.#bytes.readUInt16BE(lengthAt)
    const offset = this.#skip(length)
    const bytes = this.#bytes.subarray(offset, offset + length)
    this.isFaulty ||= !isUtf8(bytes)
    const text = this.isFaulty ? '' : bytes.toString()
    this.isFaulty ||= text.length > longest || text.length < shortest
    return text
  }

  /** Skips bytes, and returns their offset. Sets `isFaulty` if the input has fewer bytes. */
  #skip(length: number): number {
    const offset = this.#offset
    this.isFaulty ||= length > this.#bytes.length - offset
    this.#offset = this.isFaulty ? this.#bytes.length : offset + length
    return offset
  }
}

function check(isFine: boolean, { type }: Frame): void {
  if (!isFine) throw new RangeError(`A frame of type ${type} was not sent: a text or a number in it is out of bounds`)
}

function isChannel(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= CHANNEL_MAX
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isText(text: string): boolean {
  return text.length > 0 && text.length <= ADDRESS_MAX_LENGTH
}

/** Cuts a reason to the maximum length, without splitting a surrogate pair. */
function cut(reason: string): string {
  if (reason.length <= WIRE_ERROR_MAX_LENGTH) return reason
  const last = reason.charCodeAt(WIRE_ERROR_MAX_LENGTH - 1)
  const isHalf = last >= 0xd800 && last < 0xdc00
  return reason.slice(0, isHalf ? WIRE_ERROR_MAX_LENGTH - 1 : WIRE_ERROR_MAX_LENGTH)
}

function textSize(text: string): number {
  return LENGTH_BYTES + Buffer.byteLength(text)
}

function writeText(target: Buffer, offset: number, text: string): number {
  const length = target.write(text, offset + LENGTH_BYTES)
  target.writeUInt16BE(length, offset)
  return offset + LENGTH_BYTES + length
}

function writeType(target: Buffer, offset: number, type: Frame['type'], flags: number): number {
  target[offset] = (TYPES.indexOf(type) + 1) | flags
  return offset + 1
}

function writeHead(target: Buffer, offset: number, type: Frame['type'], channel: number, flags: number): number {
  return target.writeUInt32BE(channel, writeType(target, offset, type, flags))
}

function writeRef(target: Buffer, offset: number, frame: ChannelRef & Frame, flags = 0): number {
  return writeHead(target, offset, frame.type, frame.channel, flags | (frame.isOpener ? YES : 0))
}
