import type { Reasons as Counts } from '../../../rendezvous/src/http/status-messages.js'
import { formatCount, formatDuration } from '../shared/format.js'

/** Milliseconds for which a count that has grown is marked. */
const RECENT = 60_000

/** Whoever ends a stream is sent what was on its way: that is no fault of anybody. */
const ORDINARY = new Set(['unknown stream'])

const KINDS = [
  ['paused', 'Paused', 'times a sender was not read from', 'held'],
  ['reset', 'Reset', 'streams ended by the server', 'bad'],
  ['refused', 'Refused', 'requests answered with an error', 'bad'],
  ['dropped', 'Dropped', 'frames that went nowhere', 'bad'],
  ['closed', 'Closed', 'connections that ended', '']
] as const

/** Reasons that say little to whoever has not read the docs. */
const MEANINGS: Readonly<Record<string, string>> = {
  'paused/flood': 'asked for more CPU than they may',
  'refused/admin token': 'wrong, or missing',
  'refused/connections per ip': 'TCP connections of one address',
  'refused/no files left': 'near the limit of open files',
  'refused/rate limit': 'asked too often, or for too much CPU',
  'refused/sessions per ip': 'sessions of one address',
  'refused/status pages': 'pages like this one',
  'closed/flood': 'went on for too long',
  'closed/unfinished messages': 'too many bytes of them'
}

/** What did not go on as someone wished, and why. */
export function Reasons({ counts, seen }: { counts: Counts | undefined; seen: ReadonlyMap<string, number> }) {
  return (
    <section class="reasons" aria-labelledby="reasons">
      <h2 id="reasons">Held back and turned away</h2>
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
