/** Encoded bytes of an integer from 0 to 2⁵³ − 1. */
export const INTEGER_BYTES = 8

const HIGH = 2 ** 32
const HIGH_MAX = 2 ** 21

/** @returns the offset of its end */
export function writeInteger(target: Buffer, offset: number, value: number): number {
  target.writeUInt32BE(Math.floor(value / HIGH), offset)
  return target.writeUInt32BE(value % HIGH, offset + 4)
}

/** @returns undefined if the number is not a safe integer */
export function readInteger(bytes: Buffer, offset: number): number | undefined {
  const high = bytes.readUInt32BE(offset)
  return high < HIGH_MAX ? high * HIGH + bytes.readUInt32BE(offset + 4) : undefined
}
