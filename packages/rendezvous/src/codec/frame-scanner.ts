import { TEXT_OPCODE } from './websocket-frame.js'

const FIN = 0x80
const MASK = 0x80
const OPCODE = 0x0f
const CONTINUATION = 0
const CONTROL_FROM = 8
const LENGTH = 0x7f
const LENGTH_16 = 126
const LENGTH_64 = 127
/** Header size of a masked frame of up to 125 bytes. */
const SMALL_HEAD = 6
/** Size of the longest header: two bytes, an extended length of eight, a mask of four (RFC 6455, section 5.2). */
const LONGEST_HEAD = 14
/** Start of most texts, `45`: the header of a chunk, which is not parsed. */
const [FOUR, FIVE] = [0x34, 0x35]
/**
 * Units of work, about two microseconds each: a chunk with its header, a ping with its pong, and any other text.
 * TEXT_BITS and BINARY_BITS are the log2 of the bytes that add another unit.
 */
const CHUNK = 1
const CONTROL = 2
const OTHER_TEXT = 32
const TEXT_BITS = 8
const BINARY_BITS = 12
/** Memory that a fragment, or a piece of a frame, takes beside its payload. */
const OVERHEAD = 256

/** Finds the frames of a WebSocket client without decoding them. The decoder reports errors. */
export class FrameScanner {
  /** Control frames in the last {@link scan}. */
  controls = 0
  /** Units of work in the last scan. */
  units = 0
  /** Whether the last scan returned a fragment, which stays in memory until its message is complete. */
  isFragment = false
  /** Start of an incomplete header. */
  #head: Buffer | undefined
  #headSize = 0
  /** Current frame, whose header is complete. */
  #inFrame = false
  #isFinal = true
  #opcode = 0
  /** Missing payload bytes of the frame. */
  #left = 0
  /** Pieces in which the unfinished frame has arrived. */
  #pieces = 0
  /** Current message. */
  #messageOpcode = 0
  /** Whether it is a text whose JSON is parsed. */
  #isParsed = false
  #messageSize = 0
  #fragments = 0

  /** Memory of unfinished frames and messages, in bytes. */
  get pendingBytes(): number {
    return this.#messageSize + (this.#fragments + this.#pieces) * OVERHEAD
  }

  /**
   * Skips whole frames up to `maxUnits` of work, or a single fragment.
   *
   * @returns the start of the next frame; the end of the bytes if the last frame is incomplete
   */
  scan(bytes: Buffer, from: number, maxUnits: number): number {
    this.controls = 0
    this.units = 0
    this.isFragment = this.#inFrame && !this.#isFinal
    let at = from
    while (at < bytes.length) {
      if (!this.#inFrame) {
        if (this.#headSize === 0) {
          const end = this.#skipSmall(bytes, at)
          if (end > at) {
            at = end
            if (this.units >= maxUnits) return at
            continue
          }
        }
        const first = this.#headSize > 0 ? (this.#head?.[0] ?? 0) : (bytes[at] ?? 0)
        const isFragment = (first & FIN) === 0
        if (isFragment && at > from) return at
        this.isFragment = isFragment
        at = this.#readHead(bytes, at)
        if (!this.#inFrame) return at
      }
      const step = Math.min(this.#left, bytes.length - at)
      at += step
      this.#left -= step
      this.units += step >> BINARY_BITS
      if (this.#opcode < CONTROL_FROM) this.#messageSize += step
      if (this.#left > 0) break
      this.#endFrame()
      if (this.isFragment || this.units >= maxUnits) return at
    }
    if (this.#inFrame) this.#pieces++
    return at
  }

  /** Skips a small complete frame, as most are, by a shorter path. @returns its end; `at` if it is another */
  #skipSmall(bytes: Buffer, at: number): number {
    const first = bytes[at] ?? 0
    const length = (bytes[at + 1] ?? 0) - MASK
    const end = at + SMALL_HEAD + length
    if (first < FIN || length < 0 || length >= LENGTH_16 || end > bytes.length) return at
    const opcode = first & OPCODE
    if (opcode >= CONTROL_FROM) {
      this.controls++
      this.units += CONTROL
    } else if (this.#fragments > 0 || opcode === CONTINUATION) return at
    else if (opcode !== TEXT_OPCODE) this.units += CHUNK
    else if (isParsed(bytes, at + SMALL_HEAD)) this.units += OTHER_TEXT
    return end
  }

  #endFrame(): void {
    this.#inFrame = false
    this.#pieces = 0
    if (this.#opcode >= CONTROL_FROM) {
      this.controls++
      this.units += CONTROL
    } else if (this.#isFinal) {
      if (this.#isParsed) this.units += OTHER_TEXT + (this.#messageSize >> TEXT_BITS)
      else if (this.#messageOpcode !== TEXT_OPCODE) this.units += CHUNK
      this.#messageSize = 0
      this.#fragments = 0
    } else {
      this.#fragments++
      this.units += CONTROL
    }
  }

  /** @returns the start of the payload; the end of the bytes if the header is incomplete */
  #readHead(bytes: Buffer, at: number): number {
    if (this.#headSize === 0 && at + 1 < bytes.length && at + headSize(bytes[at + 1] ?? 0) <= bytes.length) {
      return at + this.#begin(bytes, at)
    }
    // The header is incomplete, so it is collected byte by byte.
    const head = (this.#head ??= Buffer.allocUnsafeSlow(LONGEST_HEAD))
    let next = at
    while (next < bytes.length) {
      head[this.#headSize++] = bytes[next++] ?? 0
      if (this.#headSize >= 2 && this.#headSize === headSize(head[1] ?? 0)) {
        this.#begin(head, 0)
        this.#headSize = 0
        this.#head = undefined
        return next
      }
    }
    return next
  }

  /** Starts a frame whose header is complete. @returns the size of the header */
  #begin(bytes: Buffer, at: number): number {
    const first = bytes[at] ?? 0
    const second = bytes[at + 1] ?? 0
    const length = second & LENGTH
    this.#left =
      length < LENGTH_16
        ? length
        : length === LENGTH_64
          ? bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
          : bytes.readUInt16BE(at + 2)
    this.#inFrame = true
    this.#isFinal = (first & FIN) !== 0
    this.#opcode = first & OPCODE
    const size = headSize(second)
    if (this.#opcode > CONTINUATION && this.#opcode < CONTROL_FROM) {
      this.#messageOpcode = this.#opcode
      this.#isParsed = this.#opcode === TEXT_OPCODE && isParsed(bytes, at + size)
    }
    return size
  }
}

/** Returns whether a text is anything other than a chunk's header. The mask precedes the payload. */
function isParsed(bytes: Buffer, payload: number): boolean {
  return (
    ((bytes[payload] ?? 0) ^ (bytes[payload - 4] ?? 0)) !== FOUR ||
    ((bytes[payload + 1] ?? 0) ^ (bytes[payload - 3] ?? 0)) !== FIVE
  )
}

/** Returns the size of a header by its second byte. */
function headSize(second: number): number {
  const length = second & LENGTH
  return 2 + (length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0) + ((second & MASK) === 0 ? 0 : 4)
}
