import { pino, type Logger as PinoLogger } from 'pino'
import { LogOutput } from './log-output.js'
import type { ResolvedOptions } from './option-types.js'

/** Destination of the server's log lines, such as a pino logger. Details contain no payloads and only shortened peer ids. */
export interface Logger {
  debug(details: object | string, message?: string): void
  info(details: object | string, message?: string): void
  warn(details: object | string, message?: string): void
  error(details: object | string, message?: string): void
  /** Returns whether lines of a level are written; without it, all are. */
  isLevelEnabled?(level: string): boolean
}

/** Logger that may count what it cannot write. */
export interface CountingLogger extends Logger {
  /** Lines lost since the start; shown in the metrics. */
  readonly lostLines?: number
}

/** Returns whether log lines are for people, and not JSON. */
export function isPrettyLog(format: ResolvedOptions['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stderr.isTTY)
}

/** Creates a logger that writes to stderr. If the disk is full or the reader is gone, lines are lost and counted. */
export function createLogger(
  level: ResolvedOptions['logLevel'],
  format: ResolvedOptions['logFormat']
): PinoLogger & CountingLogger {
  const isPretty = isPrettyLog(format)
  const output = new LogOutput((lines) =>
    logger.warn({ lines }, 'log lines were lost, because they could not be written')
  )
  const logger = pino({ level }, { write: (line) => output.write(isPretty ? prettyLine(line) : line) })
  return Object.defineProperty(logger, 'lostLines', { get: () => output.lost }) as PinoLogger & CountingLogger
}

/** Formats a pino line as `12:34:56 WARN message {"detail":1}`; pino's own formatter brings a dozen packages. */
function prettyLine(line: string): string {
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

/** Lines with the same message per {@link REPEAT_INTERVAL_MS}. */
const MAX_REPEATS = 10
const REPEAT_INTERVAL_MS = 10_000

/**
 * Limits how often a message is logged, and logs how often it was omitted, so that clients cannot fill a disk. Messages of the
 * level `debug` are not limited: they tell the story of each connection.
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
    if (message === undefined) this.#logger.debug(details)
    else this.#logger.debug(details, message)
  }

  isLevelEnabled(level: string): boolean {
    return this.#logger.isLevelEnabled?.(level) !== false
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

  #write(level: 'info' | 'warn' | 'error', details: object | string, message: string | undefined): void {
    const key = message ?? (typeof details === 'string' ? details : '')
    const now = this.#now()
    let seen = this.#seen.get(key)
    if (seen === undefined || now - seen.since >= REPEAT_INTERVAL_MS) {
      if (seen !== undefined && seen.count > MAX_REPEATS) {
        this.#logger[level]({ omitted: seen.count - MAX_REPEATS }, `${key} (repeats omitted)`)
      }
      // The map is bounded, since messages are fixed texts of this package.
      this.#seen.set(key, (seen = { since: now, count: 0 }))
    }
    if (++seen.count > MAX_REPEATS) return
    if (message === undefined) this.#logger[level](details)
    else this.#logger[level](details, message)
  }
}
