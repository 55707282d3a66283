import type { Reasons as Counts } from '../../../rendezvous/src/http/status-messages.js'
import { formatCount, formatDuration } from '../shared/format.js'

/** Milliseconds for which an increased count is marked. */
const RECENT = 60_000

/** Not a problem: frames still in flight when a stream ends are dropped. */
const ORDINARY = new Set(['unknown stream'])

const KINDS = [
  ['paused', 'Paused', 'times the server stopped reading from a sender', 'paused'],
  ['reset', 'Reset', 'connections ended by the server', 'bad'],
  ['refused', 'Refused', 'requests answered with an error', 'bad'],
  ['dropped', 'Dropped', 'frames without a receiver', 'bad'],
  ['closed', 'Closed', 'sessions that ended', '']
] as const

const MEANINGS: Readonly<Record<string, string>> = {
  'paused/flood': 'exceeded the CPU budget',
  'refused/admin token': 'wrong or missing',
  'refused/connections per ip': 'too many TCP connections from one address',
  'refused/no files left': 'close to the limit of open files',
  'refused/rate limit': 'too many requests, or too much CPU',
  'refused/sessions per ip': 'too many sessions from one address',
  'refused/status pages': 'too many pages like this one',
  'closed/flood': 'exceeded the CPU budget for too long',
  'closed/unfinished messages': 'too many bytes of incomplete messages'
}

export function Reasons({ counts, seen }: { counts: Counts | undefined; seen: ReadonlyMap<string, number> }) {
  return (
    <section class="reasons" aria-labelledby="reasons">
      <h2 id="reasons">Limits and refusals</h2>
      {KINDS.map(([kind, title, meaning, tone]) => (
        <Tally
          key={kind}
          kind={kind}
          title={title}
          meaning={meaning}
          tone={tone}
          tally={counts?.[kind] ?? {}}
          seen={seen}
        />
      ))}
    </section>
  )
}

interface TallyProps {
  kind: string
  title: string
  meaning: string
  tone: string
  tally: Readonly<Record<string, number>>
  seen: ReadonlyMap<string, number>
}

function Tally({ kind, title, meaning, tone, tally, seen }: TallyProps) {
  const rows = Object.entries(tally).toSorted(([, a], [, b]) => b - a)
  const total = rows.reduce((sum, [, count]) => sum + count, 0)
  const isRemarkable = rows.some(([reason]) => !ORDINARY.has(reason))
  return (
    <div class="tally" data-kind={kind} data-tone={isRemarkable ? tone : ''}>
      <h3>
        {title} <span class="label">{meaning}</span>
        <data value={total}>{formatCount(total)}</data>
      </h3>
      {rows.length > 0 && (
        <dl>
          {rows.map(([reason, count]) => (
            <Row
              key={reason}
              reason={reason}
              meaning={MEANINGS[`${kind}/${reason}`]}
              count={count}
              seenAt={seen.get(`${kind}/${reason}`)}
            />
          ))}
        </dl>
      )}
    </div>
  )
}

interface RowProps {
  reason: string
  meaning: string | undefined
  count: number
  seenAt: number | undefined
}

function Row({ reason, meaning, count, seenAt }: RowProps) {
  const age = seenAt === undefined ? undefined : Date.now() - seenAt
  return (
    <div data-recent={age !== undefined && age < RECENT ? '' : undefined}>
      <dt>
        {reason} {meaning !== undefined && <span class="label">{meaning}</span>}
      </dt>
      <dd class="label">{age === undefined ? '' : age < 1_500 ? 'now' : `${formatDuration(age)} ago`}</dd>
      <dd>
        <data value={count}>{formatCount(count)}</data>
      </dd>
    </div>
  )
}
