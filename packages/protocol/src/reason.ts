import { WIRE_ERROR_MAX_LENGTH } from './errors.js'
import { excerpt } from './excerpt.js'

/** Passed on in place of a reason that is no text. */
const UNNAMED_STREAM_ERROR = 'stream error'

/** Passed on in place of a callee's refusal that is no text. */
const UNNAMED_REFUSAL = 'Dial refused'

/**
 * What the argument of a stream's `error` event means: `true` is the normal end, a text says what went wrong. Peers
 * send all sorts, nested as deep as they like, and a value passed on as it is would crash whoever walks it: so only
 * `true` or a text of at most 256 characters comes out. Nothing, null, false, 0 and '' end the half normally; the first
 * server forwarded nothing for those, which left a stream nobody ever ended.
 */
export function endReason(value: unknown): true | string {
  if (typeof value === 'string') return value === '' ? true : excerpt(value, WIRE_ERROR_MAX_LENGTH)
  if (value === null || value === 0) return true
  return typeof value === 'object' || typeof value === 'number' ? UNNAMED_STREAM_ERROR : true
}

/**
 * What a callee's answer to `ss-incomming` means: undefined is success (nothing, null, false, 0 or ''), a text of at
 * most 256 characters the refusal. An object is looked at for a `message` of its own and no further.
 */
export function ackError(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return undefined
  if (typeof value === 'string') return excerpt(value, WIRE_ERROR_MAX_LENGTH)
  if (typeof value !== 'object') return UNNAMED_REFUSAL
  const message: unknown = Object.getOwnPropertyDescriptor(value, 'message')?.value
  return typeof message === 'string' && message !== '' ? excerpt(message, WIRE_ERROR_MAX_LENGTH) : UNNAMED_REFUSAL
}
