import { TEXT_OPCODE } from './websocket-frame.js'

const FIN = 0x80
const MASK = 0x80
const OPCODE = 0x0f
const CONTINUATION = 0
const CONTROL_FROM = 8
const LENGTH = 0x7f
const LENGTH_16 = 126
const LENGTH_64 = 127
/** Bytes of the head of a frame of up to 125 bytes: two, and the mask. */
const SMALL_HEAD = 6
/** Bytes of the longest head: two, an extended length of eight, a mask of four (RFC 6455, section 5.2). */
const LONGEST_HEAD = 14
/** What most texts are: `45`, the header of a chunk, which is not parsed. */
const [FOUR, FIVE] = [0x34, 0x35]
/**
 * Units of work, each of about two microseconds: of a chunk and its header together, of a ping and its answer, of any other
 * text, of which so many bytes are another one. Of a large chunk so many bytes are.
 */
const CHUNK = 1
const CONTROL = 2
const OTHER_TEXT = 32
const TEXT_BITS = 8
const BINARY_BITS = 12
/** Bytes that a fragment, or a piece of a frame, takes beside its payload. */
const OVERHEAD = 256

/**
 * Follows the frames in what a WebSocket client sends, without decoding them: how many there are, where they end, and how
 * much memory the unfinished ones take. Whoever decodes them finds the faults.
 */
export class FrameScanner {
  /** Control frames that {@link scan} passed the last time. */
  controls = 0
  /** Units of work in what it passed: about two microseconds each. */
  units = 0
  /** What it passed is a fragment: it is kept until its message is complete. */
  isFragment = false
  /** The beginning of a head whose rest has not come. */
  #head: Buffer | undefined
  #headSize = 0
  /** The current frame; its head has come. */
  #inFrame = false
  #isFinal = true
  #opcode = 0
  /** Payload bytes of it that are still to come. */
  #left = 0
  /** Times that bytes have come without ending it. */
  #pieces = 0
  /** The current message: its opcode, its payload so far, its fragments. */
  #messageOpcode = 0
  /** It is a text that has to be parsed. */
  #isParsed = false
  #messageSize = 0
  #fragments = 0

  /** Bytes of memory that unfinished frames and messages take. */
  get pendingBytes(): number {
    return this.#messageSize + (this.#fragments + this.#pieces) * OVERHEAD
  }

  /**
   * Passes whole frames until they are so much work. A fragment is passed alone.
   *
   * @param from - where in the bytes to begin
   * @returns where the next frame begins; the end of the bytes if the last frame is not complete
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

  /**
   * Passes a small frame that is there as a whole, as most are, by a shorter way.
   *
   * @returns where it ends; where it begins if it is another
   */
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

  /** @returns where the payload begins, or the end of the bytes if the head is not complete */
  #readHead(bytes: Buffer, at: number): number {
    if (this.#headSize === 0 && at + 1 < bytes.length && at + headSize(bytes[at + 1] ?? 0) <= bytes.length) {
      return at + this.#begin(bytes, at)
    }
    // At the end of what has come: byte by byte.
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

  /** Begins a frame whose head is complete. @returns the size of the head */
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

/** Whether a text is anything but the header of a chunk. The mask is what comes before the payload. */
function isParsed(bytes: Buffer, payload: number): boolean {
  return (
    ((bytes[payload] ?? 0) ^ (bytes[payload - 4] ?? 0)) !== FOUR ||
    ((bytes[payload + 1] ?? 0) ^ (bytes[payload - 3] ?? 0)) !== FIVE
  )
}

/** Bytes of a head, by its second byte. */
function headSize(second: number): number {
  const length = second & LENGTH
  return 2 + (length === LENGTH_64 ? 8 : length === LENGTH_16 ? 2 : 0) + ((second & MASK) === 0 ? 0 : 4)
}
