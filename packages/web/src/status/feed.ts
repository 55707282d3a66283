import { isOfServer, tokenHeader } from './admin-api.js'
import type { StatusMessages } from '../../../rendezvous/src/http/status-messages.js'

/** State of the page's event stream. `full`: too many status pages are open. `barred`: a proxy asks for a password. */
export type FeedState = 'connecting' | 'live' | 'lost' | 'full' | 'denied' | 'barred'

export interface FeedObserver {
  message<Name extends keyof StatusMessages>(name: Name, value: StatusMessages[Name]): void
  state(state: FeedState): void
}

/** Milliseconds between two attempts. */
const RETRY = 1_500
const RETRY_FULL = 10_000
/** Milliseconds without an event after which a connection counts as lost. The server sends a reading every second. */
const SILENCE = 8_000

/**
 * Reads the event stream until the signal is aborted, and reconnects when it is lost. An EventSource would not do: it cannot send
 * a token, nor tell a full server from one that is down.
 */
export async function followFeed(
  observer: FeedObserver,
  token: string | undefined,
  signal: AbortSignal
): Promise<void> {
  while (!signal.aborted) {
    const state = await readFeed(observer, token, signal).catch((): FeedState => 'lost')
    if (signal.aborted) return
    observer.state(state)
    if (state === 'denied' || state === 'barred') return
    await pause(state === 'full' ? RETRY_FULL : RETRY, signal)
  }
}

async function readFeed(observer: FeedObserver, token: string | undefined, signal: AbortSignal): Promise<FeedState> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), SILENCE)
  try {
    const response = await fetch('events', {
      headers: token === undefined || token === '' ? {} : tokenHeader(token),
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal])
    })
    if (response.status === 503) return 'full'
    if (response.status === 401 && !isOfServer(response)) return 'barred'
    if (!response.ok || response.body === null) return response.status < 500 ? 'denied' : 'lost'
    observer.state('live')
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'lost'
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE)
      const events = (rest + value).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) dispatch(observer, event)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Parses an event, with its name in the first line and its data in the second. */
function dispatch(observer: FeedObserver, event: string): void {
  const [name = '', data = ''] = event.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
  // The page and its types come from the same server.
  observer.message(name as keyof StatusMessages, JSON.parse(data))
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
