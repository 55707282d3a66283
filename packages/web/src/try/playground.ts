import {
  ConnectionLostError,
  createStarClient,
  StreamResetError,
  type Connection,
  type ServerStatus,
  type StarClient
} from '@websocket-star/client'
import { ChatConnection } from './chat-connection.js'
import { Conversation, MAX_OFFERS } from './conversation.js'
import { BlobTarget, type FileTarget } from './file-target.js'
import { loadKey } from './kept-key.js'
import { Transfer } from './transfer.js'
import { encodeMessage, MessageReader, STOPPED, type Message } from './wire.js'

/** Milliseconds in which another playground has to answer. */
const HELLO_TIMEOUT = 8_000
/** Milliseconds between updates of the transfers' progress. */
const PROGRESS_INTERVAL = 250
/** Conversations until the page is reloaded, so that somebody with many keys cannot fill it. */
const MAX_CONVERSATIONS = 200

const BY_OTHER = 'by the other side'

/** The model of the page: this tab as a peer, with its conversations. Calls `onChange` after each change. */
export class Playground {
  readonly client: StarClient
  readonly conversations = new Map<string, Conversation>()
  readonly #onChange: () => void
  readonly #targets = new Map<Transfer, FileTarget>()
  #isChangeQueued = false

  private constructor(client: StarClient, onChange: () => void) {
    this.client = client
    this.#onChange = onChange
    for (const event of ['server:status', 'peer:joined', 'peer:changed', 'peer:left'] as const) {
      client.addEventListener(event, () => this.changed())
    }
    client.handle((connection) => this.#answer(connection))
    setInterval(() => this.#updateProgress(), PROGRESS_INTERVAL)
  }

  /** @param server - URL of the folder that the server is below */
  static async start({ origin, pathname }: URL, onChange: () => void): Promise<Playground> {
    const client = await createStarClient({
      servers: [origin],
      privateKey: await loadKey(),
      socket: { path: `${pathname}socket.io/` }
    })
    const playground = new Playground(client, onChange)
    // The client keeps trying, and its status says why a join failed.
    client.join().catch(() => {})
    return playground
  }

  get server(): ServerStatus | undefined {
    return this.client.servers[0]
  }

  /** Whether files are in transfer. */
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
    await this.#send(conversation, { type: 'say', text }, 'Not delivered')
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
    if (!(await this.#send(conversation, offer))) this.#end(transfer, 'failed', 'the offer could not be sent')
  }

  async answer(peerId: string, transfer: Transfer, target: FileTarget | undefined): Promise<void> {
    const accept = target !== undefined
    if (accept) {
      this.#targets.set(transfer, target)
      transfer.start(performance.now())
    } else transfer.end('refused')
    this.changed()
    const isSent = await this.#send(this.conversation(peerId), { type: 'answer', id: transfer.id, accept })
    if (!isSent) this.#end(transfer, 'failed', 'the sender is gone')
  }

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

  /** Calls `onChange` once for all changes of one task. */
  changed(): void {
    if (this.#isChangeQueued) return
    this.#isChangeQueued = true
    queueMicrotask(() => {
      this.#isChangeQueued = false
      this.#onChange()
    })
  }

  #updateProgress(): void {
    const now = performance.now()
    let isMoving = false
    for (const { transfers } of this.conversations.values()) {
      for (const transfer of transfers) {
        transfer.updateRate(now)
        isMoving ||= transfer.state === 'running'
      }
    }
    if (isMoving) this.changed()
  }

  #end(transfer: Transfer, ...how: Parameters<Transfer['end']>): void {
    transfer.end(...how)
    this.changed()
  }

  /** Ends a transfer after an error. The reset of its connection may arrive before the `stop` message. */
  #fail(transfer: Transfer, error: unknown): void {
    if (error instanceof StreamResetError && error.reason === STOPPED) this.#end(transfer, 'stopped', BY_OTHER)
    else this.#end(transfer, 'failed', messageOf(error))
  }

  /** Sends a message. @returns false if that failed; `complaint` is then added to the conversation */
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

  async #open(conversation: Conversation): Promise<ChatConnection> {
    const current = conversation.connection
    if (current?.isOpen) return current
    conversation.state = 'opening'
    this.changed()
    try {
      const signal = AbortSignal.timeout(HELLO_TIMEOUT)
      const connection = await this.client.dial(conversation.peerId, { signal })
      const giveUp = (): void => connection.abort('No answer of a playground')
      signal.addEventListener('abort', giveUp, { once: true })
      const chat = new ChatConnection(connection)
      const reader = new MessageReader(connection.readable)
      await chat.send({ type: 'talk', version: 1 })
      const hello = await reader.next()
      signal.removeEventListener('abort', giveUp)
      if (hello?.type !== 'talk') throw new Error('this peer does not run a playground')
      this.#follow(conversation, chat, reader)
      return chat
    } catch (error) {
      if (conversation.connection?.isOpen !== true) conversation.state = 'closed'
      this.changed()
      throw error
    }
  }

  /** Makes a connection the one that a conversation uses. */
  #follow(conversation: Conversation, chat: ChatConnection, reader: MessageReader): void {
    conversation.connection = chat
    conversation.state = 'open'
    this.changed()
    void chat
      .read(reader, (message) => this.#handleMessage(conversation, message))
      .then(() => {
        if (conversation.connection !== chat) return
        conversation.connection = undefined
        conversation.state = 'closed'
        for (const transfer of conversation.transfers) {
          if (transfer.state === 'offered') transfer.end('failed', 'the connection was lost')
        }
        this.changed()
      })
  }

  #handleMessage(conversation: Conversation, message: Message): void {
    switch (message.type) {
      case 'say':
        conversation.add({ kind: 'text', isOwn: false, text: message.text })
        conversation.unread++
        break
      case 'offer':
        this.#handleOffer(conversation, new Transfer(message))
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

  #handleOffer(conversation: Conversation, transfer: Transfer): void {
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
    if (remotePeerId === undefined) throw new Error('the dialling peer has no peer id')
    const reader = new MessageReader(connection.readable)
    const timer = setTimeout(() => connection.abort('No message in time'), HELLO_TIMEOUT)
    const first = await reader.next().finally(() => clearTimeout(timer))
    if (first?.type === 'talk') {
      const isFull = this.conversations.size >= MAX_CONVERSATIONS && !this.conversations.has(remotePeerId)
      if (isFull) throw new Error('this page has too many conversations')
      const chat = new ChatConnection(connection)
      await chat.send({ type: 'talk', version: 1 })
      this.#follow(this.conversation(remotePeerId), chat, reader)
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
        if (transfer.bytes > transfer.size) throw new Error('received more bytes than were offered')
        await target.write(bytes)
      }
      if (transfer.bytes < transfer.size) throw new Error('the file ended early')
      transfer.url = await target.finish()
      transfer.isSaved = transfer.url === undefined
      this.#end(transfer, 'done')
      await this.#send(this.conversation(connection.remotePeerId ?? ''), { type: 'received', id: transfer.id })
    } catch (error) {
      this.#fail(transfer, error)
      connection.abort('The receiver failed')
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
        // Resolves once the receiver has granted credit: a receiver that does not read pauses the sender here.
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

/** Iterates over a file; not every browser can iterate over its stream. */
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
    connection.abort(transfer.state === 'stopped' ? STOPPED : 'The transfer failed at the other side')
  })
}

/** Returns a message for users, without ids of streams. */
function messageOf(error: unknown): string {
  if (error instanceof StreamResetError) return error.reason
  if (error instanceof ConnectionLostError) return 'the connection to the server was lost'
  return error instanceof Error ? error.message : String(error)
}
