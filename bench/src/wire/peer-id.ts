import { randomBytes } from 'node:crypto'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** A peer id of the form `Qm…` that belongs to no key: enough where the challenge is off. */
export function randomPeerId(): string {
  const multihash = Buffer.concat([Buffer.of(0x12, 0x20), randomBytes(32)])
  let number = BigInt(`0x${multihash.toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = ALPHABET.charAt(Number(number % 58n)) + text
  return text
}
