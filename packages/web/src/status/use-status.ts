import { useEffect, useRef, useState } from 'preact/hooks'
import type { Hello, Reasons, ServerState, StatusMessages } from '../../../rendezvous/src/http/status-messages.js'
import { followFeed, type FeedState } from './feed.js'
import { History, type Series } from './history.js'

/** Milliseconds of CPU by kind of work: in total, and per second. */
export interface WorkStats {
  total: Readonly<Record<string, number>>
  rates: Readonly<Record<string, number>>
  /** Milliseconds since 1970. */
  at: number
}

export interface Status {
  feed: FeedState
  state: ServerState | undefined
  hello: (Hello & { receivedAt: number }) | undefined
  history: History
  series: Series
  reasons: Reasons | undefined
  work: WorkStats
  cluster: StatusMessages['cluster']
  /** Last increase of each count, such as `refused/busy`, while this page was open. Milliseconds since 1970. */
  seen: ReadonlyMap<string, number>
}

/** Milliseconds after which a hidden page disconnects: browsers allow few connections to one server. */
const HIDDEN_TIMEOUT = 60_000

/**
 * Follows the server's event stream while the page is visible.
 *
 * @param token - the admin token: the server then adds details, and admits the page even if too many are open
 */
export function useStatus(token: string | undefined): Status {
  const status = useRef<Status>(null)
  status.current ??= empty()
  const [, render] = useState(0)
  const isSeen = useSeen()
  useEffect(() => {
    if (!isSeen) return undefined
    const stop = new AbortController()
    const update = (change: Partial<Status>): void => {
      status.current = { ...(status.current ?? empty()), ...change }
      render((count) => count + 1)
    }
    const take: { [Name in keyof StatusMessages]: (value: StatusMessages[Name]) => Partial<Status> } = {
      hello: (hello) => {
        const { history } = status.current ?? empty()
        history.begin(hello.history)
        return { hello: { ...hello, receivedAt: Date.now() }, series: history.series() }
      },
      reading: (reading) => {
        const { history } = status.current ?? empty()
        history.add(reading)
        return { series: history.series() }
      },
      reasons: (reasons) => ({ reasons, seen: noteChanges(status.current, reasons) }),
      work: (total) => ({ work: workSince(status.current?.work, total) }),
      cluster: (cluster) => ({ cluster }),
      state: (state) => ({ state })
    }
    void followFeed(
      {
        message: (name, value) => update(take[name]?.(value) ?? {}),
        state: (feed) => update({ feed })
      },
      token,
      stop.signal
    )
    return () => stop.abort()
  }, [token, isSeen])
  return status.current
}

/** Returns false once the page has been hidden for a while. The server sends the missed readings later. */
function useSeen(): boolean {
  const [isSeen, setSeen] = useState(true)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = (): void => {
      clearTimeout(timer)
      if (document.hidden) timer = setTimeout(() => setSeen(false), HIDDEN_TIMEOUT)
      else setSeen(true)
    }
    document.addEventListener('visibilitychange', look)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return isSeen
}

function empty(): Status {
  const history = new History()
  return {
    feed: 'connecting',
    state: undefined,
    hello: undefined,
    history,
    series: history.series(),
    reasons: undefined,
    work: { total: {}, rates: {}, at: 0 },
    cluster: null,
    seen: new Map()
  }
}

/** Seconds between two changes beyond which their difference says nothing about the current rate. */
const MAX_RATE_INTERVAL = 10

function workSince(before: WorkStats | undefined, total: WorkStats['total']): WorkStats {
  const at = Date.now()
  const seconds = before === undefined ? Infinity : Math.max(1, (at - before.at) / 1000)
  const rateOf = (kind: string, time: number): number =>
    seconds > MAX_RATE_INTERVAL ? 0 : Math.max(0, time - (before?.total[kind] ?? 0)) / seconds
  return {
    total,
    at,
    rates: Object.fromEntries(Object.entries(total).map(([kind, time]) => [kind, rateOf(kind, time)]))
  }
}

const TALLIES = ['refused', 'dropped', 'closed', 'reset', 'paused'] as const

function noteChanges(before: Status | null, now: Reasons): ReadonlyMap<string, number> {
  if (before?.reasons === undefined) return new Map()
  const seen = new Map(before.seen)
  for (const name of TALLIES) {
    const old: Readonly<Record<string, number>> = before.reasons[name]
    for (const [reason, count] of Object.entries(now[name])) {
      if (count !== (old[reason] ?? 0)) seen.set(`${name}/${reason}`, Date.now())
    }
  }
  return seen
}
