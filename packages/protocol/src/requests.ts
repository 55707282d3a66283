import { parseAddress } from './address.js'
import type { StarAddress } from './address.js'
import { InvalidRequestError } from './errors.js'
import { DIAL_ID_MAX_LENGTH, EVENTS, isDialId } from './events.js'
import { kindOf } from './excerpt.js'
import { PUBLIC_KEY_MAX_BYTES } from './key.js'

/** Longest second argument of a join, in characters: the largest public key in hex. */
export const JOIN_DATA_MAX_LENGTH = 2 * PUBLIC_KEY_MAX_BYTES

export interface JoinRequest {
  readonly address: StarAddress
  /** The public key in the first round, the signature in the second, '' if nothing was sent. */
  readonly data: string
}

export interface LeaveRequest {
  readonly address: StarAddress
}

export interface DialRequest {
  readonly from: StarAddress
  readonly to: StarAddress
  readonly dialId: string
}

/**
 * Parses the arguments of a join, without the acknowledgement. Further arguments are ignored.
 *
 * @throws {InvalidRequestError} if the data is not a string or too long, before the address is parsed
 * @throws {InvalidAddressError}
 */
export function parseJoinRequest(args: readonly unknown[]): JoinRequest {
  const data = args[1] ?? ''
  if (typeof data !== 'string') {
    throw new InvalidRequestError(`${EVENTS.join}: argument 1 (data) must be a string, got ${kindOf(data)}`)
  }
  if (data.length > JOIN_DATA_MAX_LENGTH) {
    throw new InvalidRequestError(
      `${EVENTS.join}: argument 1 (data) must be at most ${JOIN_DATA_MAX_LENGTH} characters, got ${data.length}`
    )
  }
  return { address: parseAddress(args[0]), data }
}

/** Parses the arguments of a leave. @throws {InvalidAddressError} */
export function parseLeaveRequest(args: readonly unknown[]): LeaveRequest {
  return { address: parseAddress(args[0]) }
}

/**
 * Parses the arguments of a dial, without the acknowledgement.
 *
 * @throws {InvalidRequestError} for an invalid dial id, before the addresses are parsed
 * @throws {InvalidAddressError}
 */
export function parseDialRequest(args: readonly unknown[]): DialRequest {
  const dialId = args[2]
  if (!isDialId(dialId)) {
    const got = typeof dialId === 'string' ? `another string of ${dialId.length} characters` : kindOf(dialId)
    throw new InvalidRequestError(
      `${EVENTS.dial}: argument 2 (dial id) must be a string of 1 to ${DIAL_ID_MAX_LENGTH} ` +
        `letters, digits and _ ~ . : - characters, got ${got}`
    )
  }
  return { from: parseAddress(args[0]), to: parseAddress(args[1]), dialId }
}
