import { shortPeerId } from '@websocket-star/protocol'
import type { Logger } from './logger.js'
import type { RefusalDetails, RefusalReason } from './stats.js'

/** Milliseconds in which a reason is logged once at `info`. */
const INTERVAL = 60_000
/** Characters of a detail that are logged. */
const LENGTH_MAX = 200

/** Refusals that happen while everything works, such as dials of peers that have left: logged at `debug` only. */
const ROUTINE: ReadonlySet<RefusalReason> = new Set([
  'dial refused',
  'dial timeout',
  'join left',
  'own peer',
  'peer left',
  'peer not found',
  'stopping',
  'stream reset'
])

/** The option that decides, where it depends on the reason only. */
const OPTIONS: { readonly [reason in RefusalReason]?: string } = {
  'address limit': '--max-addresses-per-session',
  'admin token': '--admin-token',
  busy: '--max-waiting',
  'connections per ip': '--max-sessions-per-ip',
  'dial limit': '--max-pending-dials-per-session',
  host: '--public-address',
  origin: '--allowed-origin',
  'public address': '--public-address',
  'sessions per ip': '--max-sessions-per-ip',
  'stream limit': '--max-streams-per-session',
  'stream limit of callee': '--max-streams-per-session',
  'unaccepted limit': '--max-unaccepted-streams'
}

/** Logs refusals: the first of each reason and minute at `info`, all of them at `debug`. */
export class RefusalLog {
  readonly #logger: Pick<Logger, 'debug' | 'info' | 'isLevelEnabled'>
  readonly #now: () => number
  readonly #seen = new Map<RefusalReason, { since: number; omitted: number }>()

  constructor(logger: Pick<Logger, 'debug' | 'info' | 'isLevelEnabled'>, now: () => number) {
    this.#logger = logger
    this.#now = now
  }

  report(reason: RefusalReason, describe: () => RefusalDetails = () => ({})): void {
    const isFirst = !ROUTINE.has(reason) && this.#isFirst(reason)
    if (!isFirst && this.#logger.isLevelEnabled?.('debug') === false) return
    const details = { reason, ...bounded({ option: OPTIONS[reason], ...describe() }) }
    const message = `refused: ${reason}`
    if (!isFirst) return this.#logger.debug(details, message)
    const omitted = this.#beginMinute(reason)
    this.#logger.info(omitted === 0 ? details : { ...details, omitted }, message)
  }

  #isFirst(reason: RefusalReason): boolean {
    const seen = this.#seen.get(reason)
    if (seen === undefined || this.#now() - seen.since >= INTERVAL) return true
    seen.omitted++
    return false
  }

  /** @returns how many refusals of the last minute were not logged at `info` */
  #beginMinute(reason: RefusalReason): number {
    const omitted = this.#seen.get(reason)?.omitted ?? 0
    this.#seen.set(reason, { since: this.#now(), omitted: 0 })
    return omitted
  }
}

/** Shortens what clients sent, so that they cannot fill a disk, and leaves out what is not known. */
function bounded(details: RefusalDetails): Record<string, string | number> {
  const known = Object.entries(details).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  return Object.fromEntries(known.map(([name, value]) => [name, typeof value === 'string' ? shortened(value) : value]))
}

function shortened(text: string): string {
  const short = text.slice(0, LENGTH_MAX).replaceAll(/[1-9A-HJ-NP-Za-km-z]{40,}/g, shortPeerId)
  return text.length <= LENGTH_MAX ? short : `${short}…`
}
