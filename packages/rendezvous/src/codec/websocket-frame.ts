/** Opcodes (RFC 6455, sections 5.2 and 5.5.3). */
export const TEXT_OPCODE = 1
export const BINARY_OPCODE = 2
export const PONG_OPCODE = 10

const FIN = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127

/** Returns the header size of a whole, unmasked message, as servers send. */
export function headSize(payloadSize: number): number {
  if (payloadSize < LENGTH_16) return 2
  return payloadSize < 65_536 ? 4 : 10
}

/** Writes a header (RFC 6455, section 5.2). @returns the start of the payload */
export function writeHead(target: Buffer, start: number, opcode: number, payloadSize: number): number {
  target[start] = FIN | opcode
  if (payloadSize < LENGTH_16) {
    target[start + 1] = payloadSize
    return start + 2
  }
  if (payloadSize < 65_536) {
    target[start + 1] = LENGTH_16
    return target.writeUInt16BE(payloadSize, start + 2)
  }
  target[start + 1] = LENGTH_64
  return target.writeBigUInt64BE(BigInt(payloadSize), start + 2)
}
