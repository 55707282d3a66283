import type { Socket } from 'socket.io-client'
import { ANSWER_MAX, readRefusal, type HandshakeRefusal } from './handshake-refusal.js'
import { isBrowser } from './platform.js'

/** Milliseconds to wait for the answer to a question for the reason. */
const QUESTION_TIMEOUT = 5_000

/** Why a connection could not be made. */
export interface ConnectFailure {
  reason: string
  /** Status of the server's HTTP answer, if it is known. */
  status: number | undefined
}

/** The parts of engine.io's error that are used. */
interface EngineError {
  readonly message: string
  /** The status of a request, the event of a WebSocket, or what `TellingWebSocket` found. */
  readonly description?: number | HandshakeRefusal | { readonly message?: unknown }
  readonly context?: Partial<XMLHttpRequest>
}

/**
 * Returns why a connection failed. engine.io reports `websocket error` or `xhr poll error`, with the reason inside. Browsers do
 * not reveal why a WebSocket failed, and nothing of an answer that another origin may not read: the server is asked then.
 */
export async function connectFailure(error: Error, server: string, { io }: Socket): Promise<ConnectFailure> {
  const known = knownFailure(error as EngineError)
  if (known !== undefined) return known
  // In Node, a question of our own would bypass the user's proxy agent and certificates.
  if (!isBrowser()) return { reason: platformReason(error as EngineError), status: undefined }
  const refusal = await askForReason(server, io.opts.path ?? '')
  if (refusal === undefined)
    return { reason: 'no answer, or none that a page of this origin may read', status: undefined }
  // What engine.io answers when it would have admitted the WebSocket.
  if (refusal.status === 400) return { reason: `${error.message}, although the server answers`, status: undefined }
  return failureFor(refusal)
}

function knownFailure({ message, description, context }: EngineError): ConnectFailure | undefined {
  if (typeof description === 'number') {
    if (description !== 0) {
      const type = context?.getResponseHeader?.('content-type')
      return failureFor(readRefusal(description, type, context?.responseText ?? ''))
    }
    // In Node, the request has the error of the platform here.
    const cause: unknown = context?.statusText
    return cause instanceof Error ? { reason: cause.message, status: undefined } : undefined
  }
  if (description === undefined) return { reason: message, status: undefined }
  if ('status' in description) return failureFor(description)
  const { message: reason } = description as { message?: unknown } // the last of its kinds
  return typeof reason === 'string' && reason !== '' ? { reason, status: undefined } : undefined
}

/** Returns the text of Node's error. That of a server with several addresses has one error for each, and no text of its own. */
function platformReason({ message, description }: EngineError): string {
  const { error } = (typeof description === 'object' ? description : {}) as { error?: unknown } // of an event
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}

function failureFor({ status, reason }: HandshakeRefusal): ConnectFailure {
  return { reason: reason ?? `Unexpected server response: ${status}`, status }
}

/** Asks for a WebSocket by plain HTTP: the answer is the refusal, or 400. No session is opened. */
async function askForReason(server: string, path: string): Promise<HandshakeRefusal | undefined> {
  const url = new URL(`${path.replace(/\/$/, '')}/?EIO=4&transport=websocket`, server)
  try {
    const response = await fetch(url, {
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(QUESTION_TIMEOUT)
    })
    const body = (await response.text()).slice(0, ANSWER_MAX)
    return readRefusal(response.status, response.headers.get('content-type'), body)
  } catch {
    return undefined
  }
}
