import { WIRE_ERROR_MAX_LENGTH } from '@websocket-star/protocol'

/** An HTTP answer that refuses a connection. */
export interface HandshakeRefusal {
  status: number
  /** The server's own words; undefined for a page of a proxy or another server. */
  reason: string | undefined
}

/** Bytes read of an answer. */
export const ANSWER_MAX = 4_096

/**
 * Reads the reason of an answer: a line of plain text, as this project's server sends, or the `message` of engine.io's JSON.
 *
 * @param type - the Content-Type header
 */
export function readRefusal(status: number, type: string | null | undefined, body: string): HandshakeRefusal {
  // Others come from something that is no WebSocketStar server.
  if (status < 400 || status === 404) return { status, reason: undefined }
  const text = type?.startsWith('application/json')
    ? messageOf(body)
    : type?.startsWith('text/plain')
      ? body
      : undefined
  const reason = text?.trim().split('\n', 1)[0]?.slice(0, WIRE_ERROR_MAX_LENGTH)
  return { status, reason: reason === '' ? undefined : reason }
}

function messageOf(json: string): string | undefined {
  try {
    const { message } = JSON.parse(json) as { message?: unknown } // `null` throws
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
