import { useEffect, useState } from 'preact/hooks'
import { CopyButton } from '../shared/copy-button.js'
import { formatBytes, formatCount, formatDuration, formatRate } from '../shared/format.js'
import { QrCode } from '../shared/qr-code.js'
import logo from '../shared/star.svg'
import type { FeedState } from './feed.js'
import { spanOf } from './history.js'
import { MinutesTable } from './minutes-table.js'
import { Nodes } from './nodes.js'
import { Operator } from './operator.js'
import { Reasons } from './reasons.js'
import { StripChart } from './strip-chart.js'
import { useStatus, type Status } from './use-status.js'
import { Work } from './work.js'

export interface AppProps {
  multiaddr: string
  hasPlayground: boolean
  hasAdmin: boolean
  /** Only operators see figures. */
  isPrivate: boolean
}

/** For this tab, until it is closed. */
const TOKEN_KEY = 'websocket-star admin token'

export function App({ multiaddr, hasPlayground, hasAdmin, isPrivate }: AppProps) {
  const [token, setToken] = useState(() => sessionStorage.getItem(TOKEN_KEY) ?? undefined)
  useEffect(() => {
    if (token === undefined) sessionStorage.removeItem(TOKEN_KEY)
    else sessionStorage.setItem(TOKEN_KEY, token)
  }, [token])
  const status = useStatus(hasAdmin ? (token ?? (isPrivate ? '' : undefined)) : undefined)
  const isHidden = isPrivate && status.hello === undefined
  return (
    <main>
      <header class="masthead">
        <h1>
          <img src={logo} alt="" />
          <span>
            WebSocketStar <span class="wide">rendezvous server</span>
          </span>
        </h1>
        <StateLine status={status} />
        {hasPlayground && (
          <nav>
            <a href="/try">Playground</a>
          </nav>
        )}
      </header>

      <section class="address" aria-labelledby="address">
        <div>
          <h2 id="address">Let peers listen on</h2>
          <p class="row">
            <output>{multiaddr}</output>
            <CopyButton text={multiaddr} />
          </p>
        </div>
        <QrCode text={multiaddr} label="The multiaddr as a QR code" />
      </section>

      {!isHidden && (
        <div class="columns">
          <div>
            <Strips status={status} />
            <Work {...status.work} />
            <Nodes cluster={status.cluster} />
          </div>
          <Reasons counts={status.reasons} seen={status.seen} />
        </div>
      )}
      {isHidden && <p class="notice">This server shows its figures to operators only.</p>}
      {hasAdmin && <Operator token={token} onToken={setToken} />}
      <span id="colour-probe" hidden />
    </main>
  )
}

function Strips({ status: { series, history, reasons } }: { status: Status }) {
  const [, , sessions = 0, , paused = 0, buffered = 0, bytes = 0, , , connections = 0, slowed = 0, received = 0] =
    history.last ?? []
  return (
    <section class="strips" aria-labelledby="strips">
      <h2 id="strips">
        Last {formatCount(spanOf(series) / 60)} minutes <span class="label">a reading each second</span>
      </h2>
      <StripChart name="peers" title="Peers" series={series} format={formatCount} />
      <StripChart name="streams" title="Streams" series={series} format={formatCount} />
      <StripChart name="bytes" title="Relayed" series={series} format={formatBytes} unit="/ s" />
      <StripChart name="joins" title="Joins" series={series} format={formatRate} unit="/ s" />
      <StripChart name="dials" title="Dials" series={series} format={formatRate} unit="/ s" hasAxis />
      <dl class="totals">
        <Total name="sessions" label="sessions" value={sessions} />
        <Total name="connections" label="TCP connections" value={connections} />
        <Total name="slowed" label="slowed for their cost now" value={slowed} tone={slowed > 0 ? 'held' : undefined} />
        <Total name="received" label="unfinished messages" value={received} format={formatBytes} />
        <Total name="paused" label="paused now" value={paused} tone={paused > 0 ? 'held' : undefined} />
        <Total name="buffered" label="waits for slow readers" value={buffered} format={formatBytes} />
        <Total name="bytes" label="relayed in all" value={bytes} format={formatBytes} />
        <Total name="joins" label="joined" value={reasons?.joins.success ?? 0} />
        <Total name="join-failures" label="joins failed" value={reasons?.joins.failure ?? 0} />
        <Total name="dials" label="dialled" value={reasons?.dials.success ?? 0} />
        <Total name="dial-failures" label="dials failed" value={reasons?.dials.failure ?? 0} />
      </dl>
      <details>
        <summary>As a table</summary>
        <MinutesTable series={series} />
      </details>
    </section>
  )
}

interface TotalProps {
  name: string
  label: string
  value: number
  format?: (value: number) => string
  tone?: string | undefined
}

function Total({ name, label, value, format = formatCount, tone }: TotalProps) {
  return (
    <div data-name={name} data-tone={tone}>
      <dt class="label">{label}</dt>
      <dd>
        <data value={value}>{format(value)}</data>
      </dd>
    </div>
  )
}

const FEED_STATES: Readonly<Record<Exclude<FeedState, 'live'>, readonly [tone: string, text: string]>> = {
  connecting: ['wait', 'Connecting…'],
  lost: ['bad', 'Not reached: trying again'],
  full: ['wait', 'Too many pages are open already: waiting for a place'],
  denied: ['wait', 'Locked']
}

const SERVER_STATES = {
  ready: ['good', 'Running'],
  draining: ['wait', 'Draining: nobody may join any more'],
  fenced: ['bad', 'Cut off from the other nodes']
} as const

function StateLine({ status: { feed, state, hello } }: { status: Status }) {
  const [tone, text] = feed === 'live' ? SERVER_STATES[state ?? 'ready'] : FEED_STATES[feed]
  const uptime = hello === undefined ? undefined : hello.uptime + Date.now() - hello.receivedAt
  return (
    <p class="state-line">
      <span class="state" data-tone={tone} role="status">
        {text}
      </span>
      {hello !== undefined && (
        <span class="label">
          {[
            ...(hello.version === undefined ? [] : [`version ${hello.version}`]),
            ...(feed === 'live' && uptime !== undefined ? [`up ${formatDuration(uptime)}`] : [])
          ].join(' · ')}
        </span>
      )}
    </p>
  )
}
