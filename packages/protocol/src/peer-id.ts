import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'

const SHA2_256 = 0x12
const SHA2_256_BYTES = 32
const IDENTITY = 0x00

/** Keys of up to 42 bytes are embedded in the peer id, larger ones hashed (libp2p's peer id specification). */
const IDENTITY_MAX_BYTES = 42

/** Codecs of a peer id as CID: libp2p-key, and dag-pb, which was used before it. */
const PEER_ID_CODECS = new Set([0x72, 0x70])

/**
 * Parses the value of a `/p2p/` component: a base58btc multihash ('Qm…', '1…') or a CID.
 *
 * @returns the base58btc text, and whether the multihash is valid as a peer id
 * @throws {Error} if it is neither
 */
export function parsePeerId(value: string): { text: string; valid: boolean } {
  const bytes = /^[Q1]/.test(value) ? base58btc.decoder.decode(`z${value}`) : multihashOf(value)
  return { text: base58btc.encoder.baseEncode(bytes), valid: isPeerIdMultihash(bytes) }
}

function multihashOf(text: string): Uint8Array {
  const cid = CID.parse(text)
  if (!PEER_ID_CODECS.has(cid.code)) throw new TypeError(`A CID of codec ${cid.code} is not a peer id`)
  return cid.multihash.bytes
}

/** The code and the length of both valid forms are one byte each. */
function isPeerIdMultihash(bytes: Uint8Array): boolean {
  const [code, size] = bytes
  if (size === undefined || bytes.length !== size + 2) return false
  if (code === SHA2_256) return size === SHA2_256_BYTES
  return code === IDENTITY && size > 0 && size <= IDENTITY_MAX_BYTES
}
