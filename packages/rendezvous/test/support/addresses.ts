import { parseAddress, type StarAddress } from '@websocket-star/protocol'
import { base58btc } from 'multiformats/bases/base58'

export const PREFIX = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
export const OTHER_PREFIX = '/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star'

/** The same peer id for the same number; a well-formed one that belongs to no key. */
export function peerId(number: number): string {
  const multihash = new Uint8Array(34)
  multihash.set([0x12, 32])
  new DataView(multihash.buffer).setUint32(2, number)
  return base58btc.encoder.baseEncode(multihash)
}

/** The address of a peer under a prefix. */
export function address(number: number, prefix = PREFIX): StarAddress {
  return parseAddress(`${prefix}/p2p/${peerId(number)}`)
}

/** An address that names no peer: what may join with strict addresses and the challenge off. */
export function addressWithoutPeer(number: number): StarAddress {
  return parseAddress(`/ip4/192.0.2.${number}/tcp/4001`)
}
