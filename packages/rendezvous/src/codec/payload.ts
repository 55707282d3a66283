/** The body of a request or an answer of a client that polls: any number of packets of engine.io. */
export type Payload = string | Buffer

/** Between two packets of revision 4. */
const SEPARATOR = '\u001e'
/** After the length of a packet in the binary form of revision 3. */
const END_OF_LENGTH = 255

/**
 * Cuts the next packets off a payload. Revision 4 separates packets by a character; revision 3 puts the length before
 * each: `<length>:<packet>` in a text, `<0 or 1><a byte for each digit><255><packet>` in bytes.
 *
 * @param from - where the first of them begins
 * @param count - how many there are to be at most
 * @returns the part, and where the next one begins. What is malformed goes with the rest to whoever decodes it.
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
