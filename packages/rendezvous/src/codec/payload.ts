/** Body of a polling request or response: any number of engine.io packets. */
export type Payload = string | Buffer

/** Separates packets in revision 4. */
const SEPARATOR = '\u001e'
/** Ends the length of a packet in binary payloads of revision 3. */
const END_OF_LENGTH = 255

/**
 * Cuts up to `count` packets off a payload, beginning at `from`. Revision 4 separates packets by a character. Revision
 * 3 puts the length before each: `<length>:<packet>` in text, `<0 or 1><a byte per digit><255><packet>` in bytes.
 *
 * @returns the part, and the start of the next one. A malformed payload is returned as one part, for the decoder to
 * report.
 */
export function cutPayload(
  payload: Payload,
  from: number,
  count: number,
  protocol: 3 | 4
): { part: Payload; next: number } {
  let next = from
  for (let packets = 0; packets < count && next < payload.length; packets++) {
    const end = typeof payload !== 'string' ? endOfBytes(payload, next) : endOfText(payload, next, protocol)
    next = end > next && end <= payload.length ? end : payload.length
  }
  if (from === 0 && next === payload.length) return { part: payload, next }
  if (typeof payload !== 'string') return { part: payload.subarray(from, next), next }
  const isSeparated = protocol === 4 && next < payload.length
  return { part: payload.slice(from, isSeparated ? next - 1 : next), next }
}

function endOfText(payload: string, from: number, protocol: 3 | 4): number {
  if (protocol === 4) {
    const separator = payload.indexOf(SEPARATOR, from)
    return separator < 0 ? payload.length : separator + 1
  }
  const colon = payload.indexOf(':', from)
  return colon < 0 ? payload.length : colon + 1 + Number(payload.slice(from, colon))
}

function endOfBytes(payload: Buffer, from: number): number {
  const end = payload.indexOf(END_OF_LENGTH, from + 1)
  return end < 0 ? payload.length : end + 1 + Number(payload.subarray(from + 1, end).join(''))
}
