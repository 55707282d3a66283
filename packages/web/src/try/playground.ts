import {
  ConnectionLostError,
  createStarClient,
  StreamResetError,
  type Connection,
  type ServerStatus,
  type StarClient
} from '@websocket-star/client'
import { Conversation, MAX_OFFERS } from './conversation.js'
import { BlobTarget, type FileTarget } from './file-target.js'
import { loadKey } from './kept-key.js'
import { Talk } from './talk.js'
import { Transfer } from './transfer.js'
import { encodeMessage, MessageReader, STOPPED, type Message } from './wire.js'

/** Milliseconds that another peer has to show that it is a playground too. */
const HELLO_TIMEOUT = 8_000
/** Milliseconds between two looks at how far files have come. */
const LOOK_INTERVAL = 250

/** Peers with whom one can talk until the page is loaded anew: who has many keys is not to fill it. */
const MAX_CONVERSATIONS = 200

const BY_OTHER = 'by the other side'

/** This tab as a peer: who else is there, and what is said and sent. Tells its one watcher of each change. */
export class Playground {
  readonly client: StarClient
  readonly conversations = new Map<string, Conversation>()
  readonly #onChange: () => void
  readonly #targets = new Map<Transfer, FileTarget>()
  #isTold = false

  private constructor(client: StarClient, onChange: () => void) {
    this.client = client
    this.#onChange = onChange
    for (const event of ['server:status', 'peer:joined', 'peer:changed', 'peer:left'] as const) {
      client.addEventListener(event, () => this.changed())
    }
    client.handle((connection) => this.#answer(connection))
    setInterval(() => this.#look(), LOOK_INTERVAL)
  }

  static async start(server: string, onChange: () => void): Promise<Playground> {
    const client = await createStarClient({ servers: [server], privateKey: await loadKey() })
    const playground = new Playground(client, onChange)
    // It goes on trying, and says how that goes.
    client.join().catch(() => {})
    return playground
  }

  get server(): ServerStatus | undefined {
    return this.client.servers[0]
  }

  /** Files that are not there yet. */
  get isBusy(): boolean {
    return [...this.conversations.values()].some(({ transfers }) => transfers.some(({ state }) => state === 'running'))
  }

  conversation(peerId: string): Conversation {
    let conversation = this.conversations.get(peerId)
    if (conversation === undefined) this.conversations.set(peerId, (conversation = new Conversation(peerId)))
    return conversation
  }

  async say(peerId: string, text: string): Promise<void> {
    const conversation = this.conversation(peerId)
    conversation.add({ kind: 'text', isOwn: true, text })
    this.changed()
    await this.#send(conversation, { type: 'say', text }, 'That was not delivered')
  }

  async offer(peerId: string, file: File): Promise<void> {
    const conversation = this.conversation(peerId)
    const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join(
      ''
    )
    const transfer = new Transfer({ id, name: file.name, size: file.size, file })
    conversation.add({ kind: 'file', transfer })
    this.changed()
    const offer: Message = { type: 'offer', id, name: file.name, size: file.size }
    if (!(await this.#send(conversation, offer))) this.#end(transfer, 'failed', 'it could not be offered')
  }

  async answer(peerId: string, transfer: Transfer, target: FileTarget | undefined): Promise<void> {
    const accept = target !== undefined
    if (accept) {
      this.#targets.set(transfer, target)
      transfer.start(performance.now())
    } else transfer.end('refused')
    this.changed()
    const isTold = await this.#send(this.conversation(peerId), { type: 'answer', id: transfer.id, accept })
    if (!isTold) this.#end(transfer, 'failed', 'the sender is gone')
  }

  /** Keeps an accepted file with the browser until the user saves it. */
  accept(peerId: string, transfer: Transfer): Promise<void> {
    return this.answer(peerId, transfer, new BlobTarget())
  }

  async stop(peerId: string, transfer: Transfer): Promise<void> {
    this.#end(transfer, 'stopped')
    await this.#send(this.conversation(peerId), { type: 'stop', id: transfer.id })
  }

  setPaused(transfer: Transfer, isPaused: boolean): void {
    if (isPaused) transfer.pause()
    else transfer.resume()
    this.changed()
  }

  /** The watcher is told once of all that changes in one go. */
  changed(): void {
    if (this.#isTold) return
    this.#isTold = true
    queueMicrotask(() => {
      this.#isTold = false
      this.#onChange()
    })
  }

  #look(): void {
    const now = performance.now()
    let isMoving = false
    for (const { transfers } of this.conversations.values()) {
      for (const transfer of transfers) {
        transfer.note(now)
        isMoving ||= transfer.state === 'running'
      }
    }
    if (isMoving) this.changed()
  }

  #end(transfer: Transfer, ...how: Parameters<Transfer['end']>): void {
    transfer.end(...how)
    this.changed()
  }

  /** The end of its connection may be heard of before the `stop` that says the same. */
  #fail(transfer: Transfer, error: unknown): void {
    if (error instanceof StreamResetError && error.reason === STOPPED) this.#end(transfer, 'stopped', BY_OTHER)
    else this.#end(transfer, 'failed', messageOf(error))
  }

  /** @returns whether it was sent; if not, `complaint` is noted */
  async #send(conversation: Conversation, message: Message, complaint?: string): Promise<boolean> {
    try {
      await (await this.#open(conversation)).send(message)
      return true
    } catch (error) {
      if (complaint !== undefined) {
        conversation.add({
          kind: 'note',
          text: `${complaint}: ${messageOf(error)}`
        })
      }
      this.changed()
      return false
    }
  }

  async #open(conversation: Conversation): Promise<Talk> {
    const known = conversation.talk
    if (known?.isOpen) return known
    conversation.state = 'opening'
    this.changed()
    try {
      const signal = AbortSignal.timeout(HELLO_TIMEOUT)
      const connection = await this.client.dial(conversation.peerId, { signal })
      const giveUp = (): void => connection.abort('This peer does not answer as a playground does')
      signal.addEventListener('abort', giveUp, { once: true })
      const talk = new Talk(connection)
      const reader = new MessageReader(connection.readable)
      await talk.send({ type: 'talk', version: 1 })
      const hello = await reader.next()
      signal.removeEventListener('abort', giveUp)
      if (hello?.type !== 'talk') throw new Error('this peer is no playground')
      this.#follow(conversation, talk, reader)
      return talk
    } catch (error) {
      if (conversation.talk?.isOpen !== true) conversation.state = 'closed'
      this.changed()
      throw error
    }
  }

  /** From now on this is where one talks with that peer. */
  #follow(conversation: Conversation, talk: Talk, reader: MessageReader): void {
    conversation.talk = talk
    conversation.state = 'open'
    this.changed()
    void talk
      .read(reader, (message) => this.#take(conversation, message))
      .then(() => {
        if (conversation.talk !== talk) return
        conversation.talk = undefined
        conversation.state = 'closed'
        for (const transfer of conversation.transfers) {
          if (transfer.state === 'offered') transfer.end('failed', 'the connection was lost')
        }
        this.changed()
      })
  }

  #take(conversation: Conversation, message: Message): void {
    switch (message.type) {
      case 'say':
        conversation.add({ kind: 'text', isOwn: false, text: message.text })
        conversation.unread++
        break
      case 'offer':
        this.#takeOffer(conversation, new Transfer(message))
        break
      case 'answer': {
        const transfer = conversation.transfer(message.id, true)
        if (transfer?.state !== 'offered') break
        if (message.accept) void this.#sendFile(conversation, transfer)
        else transfer.end('refused')
        break
      }
      case 'stop':
        for (const isOwn of [true, false]) conversation.transfer(message.id, isOwn)?.end('stopped', BY_OTHER)
        break
      case 'received': {
        const transfer = conversation.transfer(message.id, true)
        if (transfer?.state === 'sent') transfer.end('done')
        break
      }
      default:
        break
    }
    this.changed()
  }

  #takeOffer(conversation: Conversation, transfer: Transfer): void {
    const waiting = conversation.transfers.filter(({ state, isOwn }) => state === 'offered' && !isOwn)
    const isKnown = conversation.transfer(transfer.id, false) !== undefined
    if (isKnown || waiting.length >= MAX_OFFERS) {
      void this.#send(conversation, { type: 'answer', id: transfer.id, accept: false })
      return
    }
    conversation.add({ kind: 'file', transfer })
    conversation.unread++
  }

  async #answer(connection: Connection): Promise<void> {
    const { remotePeerId } = connection
    if (remotePeerId === undefined) throw new Error('whoever calls has no peer id')
    const reader = new MessageReader(connection.readable)
    const timer = setTimeout(() => connection.abort('Nothing was said'), HELLO_TIMEOUT)
    const first = await reader.next().finally(() => clearTimeout(timer))
    if (first?.type === 'talk') {
      const isFull = this.conversations.size >= MAX_CONVERSATIONS && !this.conversations.has(remotePeerId)
      if (isFull) throw new Error('too many talk to this page')
      const talk = new Talk(connection)
      await talk.send({ type: 'talk', version: 1 })
      this.#follow(this.conversation(remotePeerId), talk, reader)
    } else if (first?.type === 'file') {
      const transfer = this.conversations.get(remotePeerId)?.transfer(first.id, false)
      const target = transfer === undefined ? undefined : this.#targets.get(transfer)
      if (transfer === undefined || target === undefined) throw new Error('nobody asked for that file')
      this.#targets.delete(transfer)
      await this.#receive(connection, reader, transfer, target)
    } else throw new Error('whoever calls is no playground')
  }

  async #receive(connection: Connection, reader: MessageReader, transfer: Transfer, target: FileTarget): Promise<void> {
    endWith(transfer, connection)
    try {
      await connection.writable.close()
      for await (const bytes of reader.rest()) {
        await transfer.untilResumed()
        transfer.signal.throwIfAborted()
        transfer.bytes += bytes.length
        if (transfer.bytes > transfer.size) throw new Error('more came than was offered')
        await target.write(bytes)
      }
      if (transfer.bytes < transfer.size) throw new Error('it ended early')
      transfer.url = await target.finish()
      transfer.isSaved = transfer.url === undefined
      this.#end(transfer, 'done')
      await this.#send(this.conversation(connection.remotePeerId ?? ''), { type: 'received', id: transfer.id })
    } catch (error) {
      this.#fail(transfer, error)
      connection.abort('The receiver could not take it')
      await target.abort().catch(() => {})
    }
  }

  async #sendFile({ peerId }: Conversation, transfer: Transfer): Promise<void> {
    const { file } = transfer
    if (file === undefined) return
    transfer.start(performance.now())
    try {
      const { signal } = transfer
      const connection = await this.client.dial(peerId, { signal })
      endWith(transfer, connection)
      const writer = connection.writable.getWriter()
      await writer.write(encodeMessage({ type: 'file', id: transfer.id }))
      for await (const bytes of chunksOf(file)) {
        // Fulfilled once the receiver has granted enough: that is how one who does not read holds this tab.
        await writer.ready
        writer.write(bytes).catch(() => {})
        transfer.bytes += bytes.length
      }
      await writer.close()
      if (transfer.state === 'running') this.#end(transfer, 'sent')
    } catch (error) {
      this.#fail(transfer, error)
    }
  }
}

/** Not every browser can iterate over a stream. */
async function* chunksOf(file: File): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = file.stream().getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

function endWith(transfer: Transfer, connection: Connection): void {
  transfer.signal.addEventListener('abort', () => {
    connection.abort(transfer.state === 'stopped' ? STOPPED : 'The other side could not go on')
  })
}

/** For people: without the names of streams. */
function messageOf(error: unknown): string {
  if (error instanceof StreamResetError) return error.reason
  if (error instanceof ConnectionLostError) return 'the connection to the server was lost'
  return error instanceof Error ? error.message : String(error)
}
