import { BINARY, TEXT } from '@websocket-star/testkit'
import type { MessageShape } from './train.js'

const NUMBER_SIZE = 4

/** Checks every byte of what arrives: each header, each payload, their order, and that none is missing or comes twice. */
export class Verifier {
  /** Messages that arrived whole and right. */
  received = 0
  /** Called with the number of each of them. */
  onMessage: ((number: number) => void) | undefined
  readonly #name: string
  readonly #header: Buffer
  readonly #lead: Buffer
  readonly #payload: Buffer
  #announced = false

  /** @param name - for messages about what is wrong */
  constructor(name: string, { header, lead, payload }: MessageShape) {
    this.#name = name
    this.#header = Buffer.from(header)
    this.#lead = Buffer.from(lead)
    this.#payload = payload
  }

  /** Takes a frame of this stream; others, such as announcements, are left to those who want them. */
  take(opcode: number, bytes: Buffer, start: number, end: number): boolean {
    if (opcode === TEXT) {
      const header = this.#header
      const isHeader = end - start === header.length && bytes.compare(header, 0, header.length, start, end) === 0
      if (isHeader) {
        if (this.#announced) this.#fail('a header came where its attachment was due')
        this.#announced = true
      }
      return isHeader
    }
    if (opcode !== BINARY) return false
    this.#check(bytes, start, end)
    return true
  }

  #check(bytes: Buffer, start: number, end: number): void {
    if (!this.#announced) this.#fail('an attachment came without its header')
    this.#announced = false
    const [lead, payload] = [this.#lead, this.#payload]
    const body = start + lead.length
    if (end - body !== payload.length) this.#fail(`${end - body} bytes came instead of ${payload.length}`)
    if (lead.length > 0 && bytes[start] !== lead[0]) this.#fail('the byte before the payload is wrong')
    const number = bytes.readUInt32LE(body)
    if (number !== this.received) this.#fail(`it has the number ${number}`)
    if (bytes.compare(payload, NUMBER_SIZE, payload.length, body + NUMBER_SIZE, end) !== 0) {
      this.#fail('a byte of its payload is wrong')
    }
    this.received++
    this.onMessage?.(number)
  }

  #fail(what: string): never {
    throw new Error(`${this.#name}, message ${this.received}: ${what}`)
  }
}
