import { EVENTS, type StarAddress } from '@websocket-star/protocol'
import { eventText } from '../wire/packet.js'
import type { Discovery } from './discovery.js'
import type { Member } from './member.js'
import type { Entry, Holder, Registry } from './registry.js'

/**
 * Gives addresses to sessions and takes them away. Several sessions may share a peer: the newest is dialled; the others
 * keep their places while they answer, and hold the peer again when the newer ones have left. Those that know the
 * extensions are told of both.
 */
export class Holders {
  readonly #registry: Registry
  readonly #discovery: Discovery
  readonly #takeoverTimeout: number
  readonly #onFault: (error: unknown) => void
  /** Those who are being asked whether they hold a peer again. */
  readonly #candidates = new WeakMap<Entry, readonly Holder[]>()

  /** @param takeoverTimeout - milliseconds an earlier holder has to answer a ping */
  constructor(registry: Registry, discovery: Discovery, takeoverTimeout: number, onFault: (error: unknown) => void) {
    this.#registry = registry
    this.#discovery = discovery
    this.#takeoverTimeout = takeoverTimeout
    this.#onFault = onFault
  }

  /** The newest holder of a peer, under whatever address. */
  newest(address: StarAddress): Holder | undefined {
    return this.#registry.get(address)?.holders[0]
  }

  /** Makes a session the newest holder of an address. */
  claim(member: Member, address: StarAddress): Entry {
    const before = this.newest(address)
    const { entry, displaced } = this.#registry.claim(member, address)
    this.#discovery.refresh(member)
    if (displaced !== undefined) {
      this.#discovery.refresh(displaced.member)
      tell(EVENTS.taken, displaced)
    }
    if (before !== undefined && before.member !== member) tell(EVENTS.taken, before)
    this.#dropSilent(entry, member)
    return entry
  }

  /** A session leaves one of its addresses. */
  release(member: Member, address: StarAddress): void {
    this.#release(member, address)
    this.#discovery.refresh(member)
  }

  /** A session leaves all of its addresses. */
  releaseAll(member: Member): void {
    for (const address of member.addresses.values()) this.#release(member, address)
    this.#discovery.forget(member)
  }

  /**
   * When the newest holder of a peer leaves: of those it had taken over from, the newest that answers a ping holds it
   * again.
   */
  #release(member: Member, address: StarAddress): void {
    const entry = this.#registry.release(member, address)
    const candidates = entry?.holders.filter((holder) => holder.member !== member) ?? []
    if (entry === undefined || candidates.length === 0) return
    this.#candidates.set(entry, candidates)
    this.#promoteFirstAlive(entry, candidates).catch(this.#onFault)
  }

  async #promoteFirstAlive(entry: Entry, candidates: readonly Holder[]): Promise<void> {
    for (const candidate of candidates) {
      const alive = await this.#keepIfAlive(candidate)
      // Of those who are left others are being asked, since one more has left.
      if (this.#candidates.get(entry) !== candidates) return
      // Somebody may have joined meanwhile: the newest join wins.
      const [newest] = entry.holders
      if (newest === undefined || !candidates.includes(newest)) return
      if (!alive) continue
      this.#registry.promote(entry, candidate)
      return tell(EVENTS.held, candidate)
    }
  }

  /**
   * A peer that comes back under another prefix may have left a half-open connection under its first, to which the dials
   * for that very address would go.
   */
  #dropSilent(entry: Entry, newest: Member): void {
    for (const holder of entry.holders) {
      if (holder.member !== newest) this.#keepIfAlive(holder).catch(this.#onFault)
    }
  }

  /**
   * Asks the holder of an address whether it is there, and takes the address from it if it does not answer. Should it be
   * there after all, the join deadline makes it connect anew.
   *
   * @returns whether it holds the address still
   */
  async #keepIfAlive(holder: Holder): Promise<boolean> {
    const alive = await holder.member.session.probe(this.#takeoverTimeout)
    const isHeld = this.#registry.get(holder.address)?.holders.includes(holder) ?? false
    if (!alive && isHeld) {
      this.#registry.release(holder.member, holder.address)
      this.#discovery.refresh(holder.member)
    }
    return alive && isHeld
  }
}

/** Tells a holder what became of its peer, if it can hear it. */
function tell(event: typeof EVENTS.taken | typeof EVENTS.held, { member, address }: Holder): void {
  if (member.session.extended) member.session.sendText(eventText(event, [address.canonical]))
}
