import { pino, type Logger as PinoLogger } from 'pino'
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
  const stderr = pino.destination({ dest: STDERR, sync: true })
  return pino({ level }, isPretty ? { write: (line) => stderr.write(prettyLine(line)) } : stderr)
}

/** What pino writes, as `12:34:56 WARN message {"detail":1}`: a whole formatter would be a dozen packages more. */
function prettyLine(line: string): string {
  // Written by pino in this form.
  const { level, time, msg, pid: _pid, hostname: _hostname, ...details } = JSON.parse(line) as PinoLine
  const clock = new Date(time).toTimeString().slice(0, 8)
  const rest = Object.keys(details).length === 0 ? '' : ` ${JSON.stringify(details)}`
  return `${clock} ${(pino.levels.labels[level] ?? String(level)).toUpperCase().padEnd(5)} ${msg ?? ''}${rest}\n`
}

interface PinoLine {
  level: number
  time: number
  msg?: string
  pid?: number
  hostname?: string
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
