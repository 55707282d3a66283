import { writeSync } from 'node:fs'

const STDERR = 2

/**
 * Writes log lines to stderr, one at a time. A line that cannot be written is lost. Pino's own destination would end the
 * process when the disk is full, and stop it while a non-blocking pipe is.
 */
export class LogOutput {
  readonly #onRoom: (lost: number) => void
  /** End of a line whose beginning is written. */
  #rest: Buffer = Buffer.alloc(0)
  #lost = 0
  #reported = 0

  /** @param onRoom - called with the number of lost lines once one can be written again */
  constructor(onRoom: (lost: number) => void) {
    this.#onRoom = onRoom
  }

  get lost(): number {
    return this.#lost
  }

  write(line: string): void {
    if (!this.#writeRest()) {
      this.#lost++
      return
    }
    const bytes = Buffer.from(line)
    this.#rest = bytes
    if (!this.#writeRest()) {
      if (this.#rest.length < bytes.length) return
      this.#rest = Buffer.alloc(0)
      this.#lost++
      return
    }
    const unreported = this.#lost - this.#reported
    this.#reported = this.#lost
    if (unreported > 0) this.#onRoom(unreported)
  }

  #writeRest(): boolean {
    try {
      while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(STDERR, this.#rest))
      return true
    } catch {
      return false
    }
  }
}
