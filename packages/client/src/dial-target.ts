import { InvalidAddressError, parseAddress, type StarAddress } from '@websocket-star/protocol'

/** Parses what a user dials: a peer id, or an address that ends in one. @throws {InvalidAddressError} */
export function parseDialTarget(target: string): StarAddress {
  if (typeof target !== 'string') throw new InvalidAddressError('Expected a peer id, or an address that ends in one')
  try {
    return parseAddress(target.startsWith('/') ? target : `/p2p/${target}`)
  } catch (cause) {
    throw new InvalidAddressError(
      `${JSON.stringify(target.slice(0, 128))} is neither a peer id nor an address that ends in one`,
      { cause }
    )
  }
}
