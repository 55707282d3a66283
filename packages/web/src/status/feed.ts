import type { StatusMessages } from '../../../rendezvous/src/http/status-messages.js'

/** What stands between this page and the server: `full` is when too many pages are open already. */
export type FeedState = 'connecting' | 'live' | 'lost' | 'full' | 'denied'

export interface FeedListener {
  message<Name extends keyof StatusMessages>(name: Name, value: StatusMessages[Name]): void
  state(state: FeedState): void
}

/** Milliseconds between two attempts. */
const RETRY = 1_500
const RETRY_FULL = 10_000
/** Milliseconds without a word after which a connection is given up: there is a reading each second. */
const SILENCE = 8_000

/**
 * Listens to the event stream for as long as the signal lasts, and comes back when it is lost. It is no EventSource: that
 * can neither send a token, nor tell a server that is down from one that has no room.
 */
export async function listen(listener: FeedListener, token: string | undefined, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const state = await listenOnce(listener, token, signal).catch((): FeedState => 'lost')
    if (signal.aborted) return
    listener.state(state)
    if (state === 'denied') return
    await pause(state === 'full' ? RETRY_FULL : RETRY, signal)
  }
}

async function listenOnce(listener: FeedListener, token: string | undefined, signal: AbortSignal): Promise<FeedState> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), SILENCE)
  try {
    const response = await fetch('/events', {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal])
    })
    if (response.status === 503) return 'full'
    if (!response.ok || response.body === null) return response.status < 500 ? 'denied' : 'lost'
    listener.state('live')
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'lost'
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE)
      const events = (rest + value).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) tell(listener, event)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** One event: its name in the first line, its data in the second. */
function tell(listener: FeedListener, event: string): void {
  const [name = '', data = ''] = event.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
  // The server that sends these is the one that this page came from.
  listener.message(name as keyof StatusMessages, JSON.parse(data))
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
