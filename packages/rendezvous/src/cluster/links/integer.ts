/** What a whole number from 0 to 2⁵³ − 1 takes. */
export const INTEGER_BYTES = 8

const HIGH = 2 ** 32
const HIGH_MAX = 2 ** 21

/** @returns where it ends */
export function writeInteger(target: Buffer, offset: number, value: number): number {
  target.writeUInt32BE(Math.floor(value / HIGH), offset)
  return target.writeUInt32BE(value % HIGH, offset + 4)
}

/** @returns undefined if it is too large to be exact */
export function readInteger(bytes: Buffer, offset: number): number | undefined {
  const high = bytes.readUInt32BE(offset)
  return high < HIGH_MAX ? high * HIGH + bytes.readUInt32BE(offset + 4) : undefined
}
