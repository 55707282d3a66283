import { useEffect, useRef, useState } from 'preact/hooks'
import type { ListedAddresses, ListedPeer, ListedPeers } from '../../../rendezvous/src/http/status-messages.js'
import { formatCount } from '../shared/format.js'
import { AddressTable } from './address-table.js'
import { AdminApi, DeniedError } from './admin-api.js'
import { PeerTable } from './peer-table.js'
import { StreamRates } from './stream-rates.js'

/** Milliseconds between requests for the list of peers. */
const REFRESH_INTERVAL = 2_000

export interface OperatorProps {
  token: string | undefined
  isDraining: boolean
  onToken: (token: string | undefined) => void
}

export function Operator({ token, isDraining, onToken }: OperatorProps) {
  const [problem, setProblem] = useState('')
  const lock = (why: string): void => {
    setProblem(why)
    onToken(undefined)
  }
  return (
    <section class="operator" aria-labelledby="operator">
      <h2 id="operator">
        Operator <span class="label">list peers, disconnect, drain</span>
      </h2>
      {token === undefined ? (
        <TokenForm problem={problem} onToken={onToken} />
      ) : (
        <Controls token={token} isDraining={isDraining} onLock={lock} />
      )}
    </section>
  )
}

function TokenForm({ problem, onToken }: { problem: string; onToken: (token: string) => void }) {
  const [text, setText] = useState('')
  const field = useRef<HTMLInputElement>(null)
  // The token was mistyped, or the server was restarted with another one.
  useEffect(() => {
    if (problem !== '') field.current?.focus()
  }, [problem])
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') onToken(text.trim())
      }}
    >
      <label for="token">Admin token (see --admin-token; on a terminal, the server prints one when it starts)</label>
      <div class="row">
        <input
          ref={field}
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text}
          aria-describedby="token-problem"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <button type="submit">Show peers</button>
      </div>
      <p id="token-problem" class="problem" role="alert">
        {problem}
      </p>
      {!isSecureContext && (
        <p class="label">This page was loaded over plain HTTP, so the token can be read on the way to the server.</p>
      )}
    </form>
  )
}

interface ControlsProps {
  token: string
  isDraining: boolean
  onLock: (why: string) => void
}

function Controls({ token, isDraining, onLock }: ControlsProps) {
  const [find, setFind] = useState('')
  const [list, setList] = useState<ListedPeers>()
  const [addresses, setAddresses] = useState<ListedAddresses>()
  const [said, setSaid] = useState('')
  const rates = useRef(new StreamRates())
  const api = new AdminApi(token)
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action()
    } catch (error) {
      if (error instanceof DeniedError) onLock(error.message)
      // The page's header says that the server is unreachable.
      else if (!(error instanceof TypeError)) setSaid(String(error))
    }
  }
  useEffect(() => {
    let isOver = false
    const look = (): Promise<void> =>
      attempt(async () => {
        const [answer, addresses] = await Promise.all([api.peers(find), api.addresses()])
        if (isOver) return
        setAddresses(addresses)
        rates.current.add(answer)
        setList(answer)
      })
    void look()
    const timer = setInterval(() => void look(), REFRESH_INTERVAL)
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [token, find])

  const disconnect = ({ id }: ListedPeer): void =>
    void attempt(async () => {
      await api.disconnect(id)
      setSaid(`Disconnected ${id}. Its client may reconnect.`)
    })
  return (
    <>
      <div class="row">
        <label class="visually-hidden" for="find">
          Find a peer
        </label>
        <input
          id="find"
          type="search"
          placeholder="Part of a peer id or address"
          value={find}
          onInput={({ currentTarget }) => setFind(currentTarget.value)}
        />
        {isDraining ? (
          <button type="button" onClick={() => void attempt(() => api.cancelDrain())}>
            Cancel drain
          </button>
        ) : (
          <Drain onDrain={() => void attempt(() => api.drain())} />
        )}
        <button type="button" onClick={() => onLock('')}>
          Lock
        </button>
      </div>
      <p class="label" role="status">
        {said}
      </p>
      {list !== undefined && (
        <>
          <PeerTable peers={list.peers} rates={rates.current} onDisconnect={disconnect} />
          <p class="label">
            {list.peers.length < list.total
              ? `The ${formatCount(list.peers.length)} busiest of ${formatCount(list.total)} peers`
              : `${formatCount(list.total)} ${list.total === 1 ? 'peer' : 'peers'}`}
          </p>
        </>
      )}
      {addresses !== undefined && <AddressTable list={addresses} />}
    </>
  )
}

/** Draining ends the server, so it asks first. */
function Drain({ onDrain }: { onDrain: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  return (
    <>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        Drain…
      </button>
      <dialog ref={dialog} aria-labelledby="drain">
        <form method="dialog">
          <h3 id="drain">Drain and stop this server?</h3>
          <p>
            New joins are refused, clients are told to use other servers, and open streams may finish. Then the server
            stops.
          </p>
          <div class="row">
            <button type="submit" class="danger" onClick={onDrain}>
              Drain and stop
            </button>
            <button type="submit" autofocus>
              Cancel
            </button>
          </div>
        </form>
      </dialog>
    </>
  )
}
