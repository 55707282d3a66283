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
  /** Whether figures require the admin token. */
  isPrivate: boolean
}

/** In the session storage: the token is forgotten when the tab is closed. */
const TOKEN_KEY = 'websocket-star admin token'

export function App({ multiaddr, hasPlayground, hasAdmin, isPrivate }: AppProps) {
  const [token, setToken] = useState(() => sessionStorage.getItem(TOKEN_KEY) ?? undefined)
  useEffect(() => {
    if (token === undefined) sessionStorage.removeItem(TOKEN_KEY)
    else sessionStorage.setItem(TOKEN_KEY, token)
  }, [token])
  const status = useStatus(hasAdmin ? (token ?? (isPrivate ? '' : undefined)) : undefined)
  // A multiaddr cannot tell the path that the server is below.
  const { href: serverUrl, pathname: serverPath } = new URL('.', location.href)
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
            <a href="try">Playground</a>
          </nav>
        )}
      </header>

      <section class="address" aria-labelledby="address">
        <div>
          <h2 id="address">Listen address for peers</h2>
          <p class="row">
            <output>{multiaddr}</output>
            <CopyButton text={multiaddr} />
          </p>
        </div>
        {serverPath !== '/' && (
          <div>
            <h2>Server URL for clients</h2>
            <p class="row">
              <output>{serverUrl}</output>
              <CopyButton text={serverUrl} />
            </p>
          </div>
        )}
        <QrCode text={multiaddr} label="The address as a QR code" />
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
      {isHidden && <p class="notice">Only operators see the figures of this server.</p>}
      {hasAdmin && <Operator token={token} isDraining={status.state === 'draining'} onToken={setToken} />}
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
        Last {formatCount(spanOf(series) / 60)} minutes <span class="label">read every second</span>
      </h2>
      <StripChart name="peers" title="Peers" series={series} format={formatCount} />
      <StripChart name="streams" title="Streams" series={series} format={formatCount} />
      <StripChart name="bytes" title="Relayed" series={series} format={formatBytes} unit="/ s" />
      <StripChart name="joins" title="Joins" series={series} format={formatRate} unit="/ s" />
      <StripChart name="dials" title="Dials" series={series} format={formatRate} unit="/ s" hasAxis />
      <dl class="totals">
        <Total name="sessions" label="sessions" value={sessions} />
        <Total name="connections" label="TCP connections" value={connections} />
        <Total name="slowed" label="over their CPU budget" value={slowed} tone={slowed > 0 ? 'paused' : undefined} />
        <Total name="received" label="incomplete messages" value={received} format={formatBytes} />
        <Total name="paused" label="paused senders" value={paused} tone={paused > 0 ? 'paused' : undefined} />
        <Total name="buffered" label="queued for slow clients" value={buffered} format={formatBytes} />
        <Total name="bytes" label="relayed in total" value={bytes} format={formatBytes} />
        <Total name="joins" label="joins" value={reasons?.joins.success ?? 0} />
        <Total name="join-failures" label="failed joins" value={reasons?.joins.failure ?? 0} />
        <Total name="dials" label="dials" value={reasons?.dials.success ?? 0} />
        <Total name="dial-failures" label="failed dials" value={reasons?.dials.failure ?? 0} />
      </dl>
      <details>
        <summary>Show as a table</summary>
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
  lost: ['bad', 'Server unreachable: retrying'],
  full: ['wait', 'Too many status pages are open: retrying'],
  denied: ['wait', 'Admin token required'],
  barred: ['bad', 'A proxy asks for a password: reload the page']
}

const SERVER_STATES = {
  ready: ['good', 'Running'],
  draining: ['wait', 'Draining: joins are refused'],
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
