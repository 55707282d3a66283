import { pino, type Logger as PinoLogger } from 'pino'
import pretty from 'pino-pretty'
import type { RendezvousOptions } from './options.js'

/** What the server writes its log to; a pino logger is one. Details hold no payloads, and peer ids shortened. */
export interface Logger {
  debug(details: object | string, message?: string): void
  info(details: object | string, message?: string): void
  warn(details: object | string, message?: string): void
  error(details: object | string, message?: string): void
}

/** Standard error, so that what the command line prints stays apart. */
const STDERR = 2

export function createLogger(level: RendezvousOptions['logLevel'], format: RendezvousOptions['logFormat']): PinoLogger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY)
  return isPretty
    ? pino(
        { level },
        pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
      )
    : pino({ level }, pino.destination({ dest: STDERR, sync: true }))
}

/** Lines of one message that are written per {@link REPEAT_INTERVAL}. */
const REPEATS = 10
/** Milliseconds. */
const REPEAT_INTERVAL = 10_000

/**
 * A logger that writes the same message a few times only in every ten seconds, and then how often it was left out: what
 * clients do cannot fill a disk.
 */
export class LimitedLogger implements Logger {
  readonly #logger: Logger
  readonly #now: () => number
  readonly #seen = new Map<string, { since: number; count: number }>()

  constructor(logger: Logger, now: () => number = Date.now) {
    this.#logger = logger
    this.#now = now
  }

  debug(details: object | string, message?: string): void {
    this.#write('debug', details, message)
  }

  info(details: object | string, message?: string): void {
    this.#write('info', details, message)
  }

  warn(details: object | string, message?: string): void {
    this.#write('warn', details, message)
  }

  error(details: object | string, message?: string): void {
    this.#write('error', details, message)
  }

  #write(level: keyof Logger, details: object | string, message: string | undefined): void {
    const key = message ?? (typeof details === 'string' ? details : '')
    const now = this.#now()
    let seen = this.#seen.get(key)
    if (seen === undefined || now - seen.since >= REPEAT_INTERVAL) {
      if (seen !== undefined && seen.count > REPEATS) {
        this.#logger[level]({ leftOut: seen.count - REPEATS }, `${key} (more of these were left out)`)
      }
      // Messages are fixed texts of this package, so their number is bounded.
      this.#seen.set(key, (seen = { since: now, count: 0 }))
    }
    if (++seen.count > REPEATS) return
    if (message === undefined) this.#logger[level](details)
    else this.#logger[level](details, message)
  }
}
