import type { ServerStatus } from '@websocket-star/client'
import { useEffect, useReducer, useState } from 'preact/hooks'
import { CopyButton } from '../shared/copy-button.js'
import { nameOf, shortId } from '../shared/peer-name.js'
import { QrCode } from '../shared/qr-code.js'
import logo from '../shared/star.svg'
import { ConversationView } from './conversation-view.js'
import { forgetKey } from './kept-key.js'
import { PeerList } from './peer-list.js'
import { PeerMark } from './peer-mark.js'
import { Playground } from './playground.js'

export function App() {
  const [playground, setPlayground] = useState<Playground>()
  const [, render] = useReducer((count: number) => count + 1, 0)
  const [selected, select] = useState<string>()
  const [problem, setProblem] = useState('')
  useEffect(() => {
    Playground.start(new URL('.', location.href), () => render(0)).then(setPlayground, (error: unknown) =>
      setProblem(String(error))
    )
  }, [])
  useEffect(() => {
    // Leaving the page ends its transfers.
    const ask = (event: BeforeUnloadEvent): void => {
      if (playground?.isBusy) event.preventDefault()
    }
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [playground])

  // Opens the first conversation that another peer starts.
  useEffect(() => {
    if (selected !== undefined || playground === undefined) return
    const caller = [...playground.conversations.values()].find(({ unread }) => unread > 0)
    if (caller !== undefined && matchMedia('(min-width: 50rem)').matches) select(caller.peerId)
  })
  const conversation = selected === undefined ? undefined : playground?.conversation(selected)
  useEffect(() => {
    if (conversation !== undefined && conversation.unread > 0 && !document.hidden) {
      conversation.unread = 0
      playground?.changed()
    }
  })
  // Messages that arrived in a background tab are read once the tab is visible.
  useEffect(() => {
    const look = (): void => playground?.changed()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [playground])
  const unread = [...(playground?.conversations.values() ?? [])].reduce((sum, { unread }) => sum + unread, 0)
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ''}Playground · WebSocketStar`
  }, [unread])

  return (
    <main data-talking={selected === undefined ? undefined : ''}>
      <header class="masthead">
        <h1>
          <img src={logo} alt="" />
          Playground
        </h1>
        <ConnectionState status={playground?.server} problem={problem} onRetry={() => playground?.client.retry()} />
        <nav>
          <a href="./">Server status</a>
        </nav>
      </header>
      {playground !== undefined && (
        <div class="desk">
          <aside aria-label="You and other peers">
            <Self peerId={playground.client.peerId} />
            <PeerList playground={playground} selected={selected} onSelect={select} />
            {playground.server?.state === 'joined' && playground.client.peers.size === 0 && <Invitation />}
            <p class="notice">Messages and files pass through the server, which can read them.</p>
          </aside>
          {conversation === undefined ? (
            <p class="nobody">
              Choose a peer to talk to. Every tab with this page is a peer, and so is any other client of this server.
            </p>
          ) : (
            <ConversationView
              key={conversation.peerId}
              playground={playground}
              conversation={conversation}
              isOnline={playground.client.peers.has(conversation.peerId)}
              onBack={() => select(undefined)}
            />
          )}
        </div>
      )}
    </main>
  )
}

interface ConnectionStateProps {
  status: ServerStatus | undefined
  problem: string
  onRetry: () => void
}

function ConnectionState({ status, problem, onRetry }: ConnectionStateProps) {
  const [tone, text] = problem !== '' ? ['bad', problem] : describe(status)
  return (
    <p class="row">
      <span class="state" data-tone={tone} data-state={status?.state} role="status">
        {text}
      </span>
      {status?.state === 'waiting' && (
        <button type="button" class="quiet" onClick={onRetry}>
          Try now
        </button>
      )}
      {status?.state === 'taken-over' && <NewIdentityButton />}
    </p>
  )
}

function describe(status: ServerStatus | undefined): readonly [tone: string, text: string] {
  switch (status?.state) {
    case 'joined':
      return ['good', 'Joined']
    case 'taken-over':
      return ['wait', 'Another tab took over this peer and gets its connections']
    case 'waiting':
      return ['bad', `Not connected: ${status.error?.message ?? 'the connection was lost'}. Retrying`]
    case 'left':
      return ['bad', 'Left']
    default:
      return ['wait', 'Connecting…']
  }
}

function Self({ peerId }: { peerId: string }) {
  return (
    <section class="self" aria-label="You">
      <PeerMark peerId={peerId} />
      <div>
        <p>
          You are <strong>{nameOf(peerId)}</strong>
        </p>
        <p class="row">
          <span class="mono soft" id="own-id" title={peerId}>
            {shortId(peerId)}
          </span>
          <CopyButton text={peerId} label="Copy id" />
          <NewIdentityButton />
        </p>
      </div>
    </section>
  )
}

function NewIdentityButton() {
  const become = (): void => {
    forgetKey()
    location.reload()
  }
  return (
    <button type="button" class="quiet" onClick={become}>
      New identity
    </button>
  )
}

function Invitation() {
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(location.host)
  return (
    <section class="invitation" aria-label="Invite another peer">
      <p>
        No other peer is online.{' '}
        <a href="try" target="_blank" rel="noopener">
          Open this page in another tab
        </a>
        {isLoopback ? ' to add one.' : ' or on a phone to add one:'}
      </p>
      {!isLoopback && <QrCode text={location.href} label="Address of this page as a QR code" />}
    </section>
  )
}
