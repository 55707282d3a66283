import type { Transfer } from './transfer.js'
import type { ChatConnection } from './chat-connection.js'

export type Entry = { id: number; at: number } & (
  | { kind: 'text'; isOwn: boolean; text: string }
  | { kind: 'file'; transfer: Transfer }
  | { kind: 'note'; text: string }
)

export type NewEntry = Entry extends infer One ? (One extends Entry ? Omit<One, 'id' | 'at'> : never) : never

/** State of a conversation's connection. The next message opens it if it is `closed`. */
export type ChatState = 'closed' | 'opening' | 'open'

/** Entries kept. Older ones are dropped, except for files in transfer. */
const MAX_ENTRIES = 500
/** Unanswered offers of one peer; more are refused. */
export const MAX_OFFERS = 20

export class Conversation {
  readonly peerId: string
  entries: readonly Entry[] = []
  state: ChatState = 'closed'
  connection: ChatConnection | undefined
  unread = 0
  #nextId = 0

  constructor(peerId: string) {
    this.peerId = peerId
  }

  add(entry: NewEntry): void {
    const all = [...this.entries, { ...entry, id: this.#nextId++, at: Date.now() }]
    const surplus = all.length - MAX_ENTRIES
    this.entries = surplus <= 0 ? all : all.filter((old, index) => index >= surplus || isInTransfer(old))
  }

  transfer(id: string, isOwn: boolean): Transfer | undefined {
    return this.transfers.find((transfer) => transfer.id === id && transfer.isOwn === isOwn)
  }

  get transfers(): Transfer[] {
    return this.entries.flatMap((entry) => (entry.kind === 'file' ? entry.transfer : []))
  }
}

function isInTransfer(entry: Entry): boolean {
  return entry.kind === 'file' && !entry.transfer.isOver
}
