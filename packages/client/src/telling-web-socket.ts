import { NodeWebSocket } from 'socket.io-client'
import { ANSWER_MAX, readRefusal, type HandshakeRefusal } from './handshake-refusal.js'

/** Milliseconds to wait for the rest of an answer. */
const ANSWER_TIMEOUT = 2_000

/** The parts of `ws`, in Node, that are used. */
interface NodeSocket {
  on?(event: 'unexpected-response', listener: (request: Destroyable, response: IncomingAnswer) => void): unknown
}

interface Destroyable {
  destroy(): void
}

interface IncomingAnswer extends AsyncIterable<Uint8Array>, Destroyable {
  readonly statusCode?: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** A WebSocket of engine.io whose error has the answer of a server that refuses it. Only Node reveals that answer. */
export class TellingWebSocket extends NodeWebSocket {
  override createSocket(...args: Parameters<NodeWebSocket['createSocket']>): unknown {
    const webSocket = super.createSocket(...args) as NodeSocket // typed as any
    // Bun has `on`, but only warns that it does not know this event.
    if ('Bun' in globalThis) return webSocket
    webSocket.on?.('unexpected-response', (request, response) => {
      void readAnswer(response).then((refusal) => {
        this.onError('websocket error', refusal)
        request.destroy()
      })
    })
    return webSocket
  }
}

async function readAnswer(response: IncomingAnswer): Promise<HandshakeRefusal> {
  const timer = setTimeout(() => response.destroy(), ANSWER_TIMEOUT)
  const decoder = new TextDecoder()
  let body = ''
  try {
    for await (const bytes of response) {
      body += decoder.decode(bytes, { stream: true })
      if (body.length > ANSWER_MAX) break
    }
  } catch {
    // What has come is enough.
  } finally {
    clearTimeout(timer)
  }
  return readRefusal(response.statusCode ?? 0, response.headers['content-type'], body)
}
