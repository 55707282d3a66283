import { WIRE_ERROR_MAX_LENGTH } from './errors.js'
import { excerpt } from './excerpt.js'

/** Replaces a reason that is not a text. */
const UNNAMED_STREAM_ERROR = 'stream error'

/** Replaces a callee's refusal that is not a text. */
const UNNAMED_REFUSAL = 'Dial refused'

/**
 * Returns what to forward of a stream's `error` event: `true` for a normal end, else a text of at most 256 characters. Peers send
 * values of any type and depth, which must not reach the other peer. Nothing, null, false, 0 and '' are normal ends; the first
 * server did not forward those, so that the stream never ended.
 */
export function endReason(value: unknown): true | string {
  if (typeof value === 'string') return value === '' ? true : excerpt(value, WIRE_ERROR_MAX_LENGTH)
  if (value === null || value === 0) return true
  return typeof value === 'object' || typeof value === 'number' ? UNNAMED_STREAM_ERROR : true
}

/**
 * Returns the error of an acknowledgement as a text of at most 256 characters, or undefined for success (nothing, null, false, 0
 * or ''). Of an object only its own `message` is read.
 */
export function ackError(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return undefined
  if (typeof value === 'string') return excerpt(value, WIRE_ERROR_MAX_LENGTH)
  if (typeof value !== 'object') return UNNAMED_REFUSAL
  const message: unknown = Object.getOwnPropertyDescriptor(value, 'message')?.value
  return typeof message === 'string' && message !== '' ? excerpt(message, WIRE_ERROR_MAX_LENGTH) : UNNAMED_REFUSAL
}
