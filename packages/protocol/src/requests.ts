import { parseAddress } from './address.js'
import type { StarAddress } from './address.js'
import { InvalidRequestError } from './errors.js'
import { DIAL_ID_MAX_LENGTH, EVENTS, isDialId } from './events.js'
import { kindOf } from './excerpt.js'
import { PUBLIC_KEY_MAX_BYTES } from './key.js'

/** Longest second argument of a join, in characters: the largest public key as hex. Signatures are shorter. */
export const JOIN_DATA_MAX_LENGTH = 2 * PUBLIC_KEY_MAX_BYTES

/** A join: the public key in `data` in the first round, the signature in the second, '' if nothing was sent. */
export interface JoinRequest {
  readonly address: StarAddress
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
 * Reads the arguments of a join, without the ack function. More arguments than known are ignored.
 *
 * @throws InvalidRequestError if the data is no string or too long, checked before anything else is looked at
 * @throws InvalidAddressError if the address is no multiaddr
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

/**
 * Reads the arguments of a leave.
 *
 * @throws InvalidAddressError if the address is no multiaddr
 */
export function parseLeaveRequest(args: readonly unknown[]): LeaveRequest {
  return { address: parseAddress(args[0]) }
}

/**
 * Reads the arguments of a dial, without the ack function.
 *
 * @throws InvalidRequestError if the dial id is not one, checked before anything else is looked at
 * @throws InvalidAddressError if one of the addresses is no multiaddr
 */
export function parseDialRequest(args: readonly unknown[]): DialRequest {
  const dialId = args[2]
  if (!isDialId(dialId)) {
    const got = typeof dialId === 'string' ? `another of ${dialId.length}` : kindOf(dialId)
    throw new InvalidRequestError(
      `${EVENTS.dial}: argument 2 (dial id) must be a string of 1 to ${DIAL_ID_MAX_LENGTH} ` +
        `letters, digits and _ ~ . : - characters, got ${got}`
    )
  }
  return { from: parseAddress(args[0]), to: parseAddress(args[1]), dialId }
}
