import { createCipheriv, createHash, type Cipher } from 'node:crypto'

/** Bytes without end that look like chance, and are the same for the same seed however they are cut. */
export class SeededBytes {
  readonly #cipher: Cipher

  constructor(seed: number | string) {
    const key = createHash('sha256').update(String(seed)).digest()
    this.#cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  }

  next(length: number): Buffer {
    return this.#cipher.update(Buffer.alloc(length))
  }
}
