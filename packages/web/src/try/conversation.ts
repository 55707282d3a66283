import type { Transfer } from './transfer.js'
import type { Talk } from './talk.js'

/** One line of what was said and sent. */
export type Entry = { id: number; at: number } & (
  | { kind: 'text'; isOwn: boolean; text: string }
  | { kind: 'file'; transfer: Transfer }
  | { kind: 'note'; text: string }
)

export type NewEntry = Entry extends infer One ? (One extends Entry ? Omit<One, 'id' | 'at'> : never) : never

/** - `closed`: nothing was said yet, or the connection ended: the next word opens one */
export type TalkState = 'closed' | 'opening' | 'open'

/** Lines that are kept; what is older is forgotten, unless it is a file on its way. */
const MAX_ENTRIES = 500
/** Offers of one peer that wait for an answer; more are refused. */
export const MAX_OFFERS = 20

/** What this tab and another peer have told each other. */
export class Conversation {
  readonly peerId: string
  entries: readonly Entry[] = []
  state: TalkState = 'closed'
  talk: Talk | undefined
  /** Lines that have not been looked at. */
  unread = 0
  #nextId = 0

  constructor(peerId: string) {
    this.peerId = peerId
  }

  add(entry: NewEntry): void {
    const all = [...this.entries, { ...entry, id: this.#nextId++, at: Date.now() }]
    const surplus = all.length - MAX_ENTRIES
    this.entries = surplus <= 0 ? all : all.filter((old, index) => index >= surplus || isOnItsWay(old))
  }

  transfer(id: string, isOwn: boolean): Transfer | undefined {
    return this.transfers.find((transfer) => transfer.id === id && transfer.isOwn === isOwn)
  }

  get transfers(): Transfer[] {
    return this.entries.flatMap((entry) => (entry.kind === 'file' ? entry.transfer : []))
  }
}

function isOnItsWay(entry: Entry): boolean {
  return entry.kind === 'file' && !entry.transfer.isOver
}
