/** Result of a start, with a deadline. */
export class Startup {
  readonly #deadline: number
  readonly #now: () => number
  #end: ((error: Error | undefined) => void) | undefined
  /** Settles with the first call of {@link end}. */
  readonly ended: Promise<void>

  constructor(timeout: number, now: () => number) {
    this.#deadline = now() + timeout
    this.#now = now
    this.ended = new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error))
    })
  }

  get isOverdue(): boolean {
    return this.#now() > this.#deadline
  }

  end(error?: Error): void {
    this.#end?.(error)
    this.#end = undefined
  }
}

/** @throws {Error} if the promise is not settled within `ms` milliseconds */
export async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
