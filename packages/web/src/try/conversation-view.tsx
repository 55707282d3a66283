import { useEffect, useRef, useState } from 'preact/hooks'
import { formatTime } from '../shared/format.js'
import { nameOf, shortId } from '../shared/peer-name.js'
import type { Conversation, Entry } from './conversation.js'
import { PeerMark } from './peer-mark.js'
import type { Playground } from './playground.js'
import { TransferRow } from './transfer-row.js'
import { MAX_TEXT } from './wire.js'

export interface ConversationViewProps {
  playground: Playground
  conversation: Conversation
  isOnline: boolean
  onBack: () => void
}

export function ConversationView({ playground, conversation, isOnline, onBack }: ConversationViewProps) {
  const { peerId, entries } = conversation
  const name = nameOf(peerId)
  const log = useRef<HTMLDivElement>(null)
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight })
  }, [entries.length, peerId])
  const offer = (files: Iterable<File> | null | undefined): void => {
    for (const file of files ?? []) void playground.offer(peerId, file)
  }
  return (
    <section
      class="conversation"
      aria-labelledby="conversation"
      data-over={isOver ? '' : undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        offer(event.dataTransfer?.files)
      }}
    >
      <header>
        <button type="button" class="quiet back" onClick={onBack}>
          ← Peers
        </button>
        <PeerMark peerId={peerId} />
        <h2 id="conversation">{name}</h2>
        <span class="mono soft" title={peerId}>
          {shortId(peerId)}
        </span>
        <span class="label presence">{isOnline ? 'online' : 'offline'}</span>
      </header>
      <div class="log" role="log" aria-label={`Conversation with ${name}`} tabIndex={0} ref={log}>
        <ol>
          {entries.length === 0 && (
            <li class="hint">
              Write a message, or drop a file here. Both go through the server as streams, and it stores neither.
            </li>
          )}
          {entries.map((entry) => (
            <EntryRow key={entry.id} entry={entry} playground={playground} peerId={peerId} name={name} />
          ))}
        </ol>
      </div>
      <Composer isOnline={isOnline} name={name} onSay={(text) => void playground.say(peerId, text)} onFiles={offer} />
    </section>
  )
}

interface EntryRowProps {
  entry: Entry
  playground: Playground
  peerId: string
  name: string
}

function EntryRow({ entry, playground, peerId, name }: EntryRowProps) {
  const isOwn = entry.kind === 'text' ? entry.isOwn : entry.kind === 'file' && entry.transfer.isOwn
  return (
    <li class={`entry ${entry.kind}`} data-own={isOwn ? '' : undefined}>
      <time class="label" dateTime={new Date(entry.at).toISOString()}>
        {formatTime(entry.at)}
      </time>
      {entry.kind !== 'note' && <b>{isOwn ? 'You' : name}</b>}
      {entry.kind === 'file' ? (
        <TransferRow playground={playground} peerId={peerId} peerName={name} transfer={entry.transfer} />
      ) : (
        <p>{entry.text}</p>
      )}
    </li>
  )
}

interface ComposerProps {
  isOnline: boolean
  name: string
  onSay: (text: string) => void
  onFiles: (files: FileList | null) => void
}

function Composer({ isOnline, name, onSay, onFiles }: ComposerProps) {
  const [text, setText] = useState('')
  const files = useRef<HTMLInputElement>(null)
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() === '' || !isOnline) return
        onSay(text)
        setText('')
      }}
    >
      <label class="visually-hidden" for="text">
        Message to {name}
      </label>
      <input
        id="text"
        autocomplete="off"
        maxLength={MAX_TEXT}
        placeholder={isOnline ? `Message to ${name}` : `${name} is offline`}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit" class="main" disabled={!isOnline}>
        Send
      </button>
      <button type="button" disabled={!isOnline} onClick={() => files.current?.click()}>
        Send a file…
      </button>
      <input
        ref={files}
        id="files"
        type="file"
        multiple
        hidden
        aria-label="Files to send"
        onChange={({ currentTarget }) => {
          onFiles(currentTarget.files)
          currentTarget.value = ''
        }}
      />
    </form>
  )
}
