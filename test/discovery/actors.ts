import type { RawOptions, RawPeer } from '@websocket-star/testkit'
import { EXTENDED } from '../support/raw-flow.js'
import { DELTAS, NONE, peersMessages } from '../support/raw-peers.js'
import { ModelSession } from './model.js'

/** A way to be a client. */
export interface Kind {
  readonly name: string
  readonly options: RawOptions
  /** Whether it hears of others by `ws-peer`, by `ss-peers`, or not at all. */
  readonly hears: 'announcements' | 'changes' | 'nothing'
}

export const KINDS: readonly Kind[] = [
  { name: 'revision 3', options: { eio: '3' }, hears: 'announcements' },
  { name: 'revision 3, base64', options: { eio: '3', base64: true }, hears: 'announcements' },
  { name: 'revision 3, polling', options: { eio: '3', transport: 'polling' }, hears: 'announcements' },
  { name: 'revision 4', options: { eio: '4' }, hears: 'announcements' },
  { name: 'revision 4, upgrading', options: { eio: '4', transport: 'upgrading' }, hears: 'announcements' },
  { name: 'windows', options: EXTENDED, hears: 'announcements' },
  { name: 'deltas', options: DELTAS, hears: 'changes' },
  { name: 'deltas, polling', options: { ...DELTAS, transport: 'polling' }, hears: 'changes' },
  { name: 'deltas, upgrading', options: { ...DELTAS, transport: 'upgrading' }, hears: 'changes' },
  { name: 'none', options: NONE, hears: 'nothing' }
]

/** A client, and what the model knows of it. */
export class Actor {
  readonly name: string
  readonly kind: Kind
  readonly peer: RawPeer
  readonly session = new ModelSession()
  /** Peers that have been its own all the time since the last look at its announcements. */
  readonly own = new Set<string>()
  #looked = 0

  constructor(name: string, kind: Kind, peer: RawPeer) {
    this.name = `${name}, ${kind.name}`
    this.kind = kind
    this.peer = peer
  }

  /** The announcements since the last look. */
  get unseen(): string[] {
    return this.peer.announced.slice(this.#looked)
  }

  /** How many `ss-peers` it was sent. */
  get changes(): number {
    return peersMessages(this.peer).length
  }

  /** Takes the announcements since the last look. */
  look(): string[] {
    const { unseen } = this
    this.#looked = this.peer.announced.length
    for (const { id } of this.session.places.values()) this.own.add(id)
    // Whoever waits for an answer need not look through them again.
    this.peer.unread.splice(0)
    return unseen
  }

  /** It has left an address: a peer it does not hold any more may be announced to it. */
  left(): void {
    for (const id of this.own) if (!this.session.holds(id)) this.own.delete(id)
  }
}
