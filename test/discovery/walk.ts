import type { Random } from '@websocket-star/testkit'
import { expect } from 'vitest'
import type { Identity } from '../support/raw-identity.js'
import { untilKnown } from '../support/raw-peers.js'
import type { RawStar } from '../support/raw-star.js'
import { Actor, KINDS, type Kind } from './actors.js'
import { Model, type ModelSession, type Place } from './model.js'

export interface WalkOptions {
  /** Clients there are at most. */
  clients: number
  /** Things that happen at once, at most. */
  atOnce: number
  /** Whether the star asks for signatures: then a join takes a peer from whoever holds it. */
  challenge: boolean
  /** Default: all. */
  kinds?: readonly Kind[]
}

/** Sessions that may share a peer: a fifth would cost the first its place. */
const HOLDERS = 4

/** Things that happen together. */
interface Step {
  /** Who was there before. */
  before: ReadonlySet<string>
  /** Peers that have a part in it already. */
  taken: Set<string>
  /** Peers of those who leave or change their transport. */
  moving: Set<string>
  /** What the answers to joins listed. */
  answers: { actor: Actor; listed: readonly string[] }[]
}

/** Clients of every kind who come, go and take peers over by chance, beside a model of what each is to hear of it. */
export class Walk {
  /** What happened, for whoever has to find out what went wrong. */
  readonly trail: string[] = []
  readonly #star: RawStar
  readonly #identities: ReadonlyMap<string, Identity>
  readonly #random: Random
  readonly #options: WalkOptions
  readonly #prefixes: readonly string[]
  readonly #model = new Model()
  readonly #actors = new Set<Actor>()
  #came = 0

  constructor(star: RawStar, identities: readonly Identity[], random: Random, options: WalkOptions) {
    this.#star = star
    this.#identities = new Map(identities.map((identity) => [identity.id, identity]))
    this.#random = random
    this.#options = options
    const servers = ['/dns4/localhost/tcp/9090/ws', '/dns4/star.example/tcp/443/wss', '/dns4/star.example/tls/ws']
    this.#prefixes = [star.prefix, ...servers.map((server) => `${server}/p2p-websocket-star`)]
  }

  /** Clients come who each hold so many peers. */
  async populate(clients: number, peersEach: number): Promise<void> {
    const step = this.#begin()
    for (let client = 0; client < clients; client++) {
      const actor = await this.#connect(this.#random.pick(this.#options.kinds ?? KINDS))
      for (let peer = 0; peer < peersEach; peer++) await this.#joinMore(actor, step)
    }
  }

  /** Several things happen at once, to different clients. */
  async step(): Promise<void> {
    this.trail.push('at once:')
    const step = this.#begin()
    const count = 1 + this.#random.below(this.#options.atOnce)
    const actors = this.#random.pickSome([...this.#actors], this.#random.below(count + 1))
    const leaving = actors.filter(() => this.#random.chance(0.5))
    const upgrading = actors.filter((actor) => {
      const polls = actor.kind.options.transport === 'upgrading' && !actor.peer.isOverWebSocket
      return polls && !leaving.includes(actor) && this.#random.chance(0.5)
    })
    const things = leaving.map(async (actor) => await this.#leave(actor, step))
    for (const actor of upgrading) things.push(this.#upgrade(actor, step))
    // Whoever wants what they hold may get it, or not, or wait for them.
    if (!this.#options.challenge) for (const id of step.moving) step.taken.add(id)
    for (const actor of actors) {
      if (!leaving.includes(actor) && !upgrading.includes(actor)) things.push(this.#joinMore(actor, step))
    }
    const newcomers = Math.min(count - actors.length, this.#options.clients - this.#actors.size)
    for (let index = 0; index < newcomers; index++) things.push(this.#come(step))
    await Promise.all(things)

    const { sessions, present } = this.#model
    await this.#star.counted('those who are there', (stats) => {
      return stats.sessions === sessions.size && stats.peers === present.size
    })
    for (const { actor, listed } of step.answers) {
      const others = this.#model.others(actor.session)
      const always = [...others].filter((id) => step.before.has(id) && !step.moving.has(id))
      expectListed(actor, listed, always, new Set([...step.before, ...present]))
    }
  }

  /** Nothing happens, until all have heard what they are to hear. They hear nothing else. */
  async rest(): Promise<void> {
    this.trail.push('rest')
    await this.#settled()
    for (const actor of this.#actors) {
      const heard = idsOf(actor, actor.session.prefixes)
      expectNone(
        [...actor.own].filter((id) => heard.has(id)),
        `what ${actor.name} heard of itself`
      )
      actor.look()
    }
    const changes = new Map([...this.#actors].map((actor) => [actor, actor.changes]))
    await Promise.all([...this.#actors].map(async (actor) => await this.#hearAll(actor)))
    await this.#settled()
    for (const actor of this.#actors) {
      const { kind, session } = actor
      expectHeard(actor, kind.hears === 'announcements' ? this.#model.others(session) : new Set())
      const told = actor.changes - (changes.get(actor) ?? 0)
      if (kind.hears !== 'changes' || session.prefix === undefined) expectNone(told, `changes told to ${actor.name}`)
      actor.look()
    }
  }

  #begin(): Step {
    return { before: this.#model.present, taken: new Set(), moving: new Set(), answers: [] }
  }

  async #settled(): Promise<void> {
    await Promise.all([...this.#actors].map(async ({ peer }) => await peer.settle()))
  }

  async #hearAll(actor: Actor): Promise<void> {
    const { kind, peer, session, name } = actor
    const { prefix } = session
    if (prefix === undefined || kind.hears === 'nothing') return
    const others = [...this.#model.others(session)]
    if (kind.hears === 'changes') {
      return await untilKnown(
        peer,
        others.map((id) => `${prefix}/p2p/${id}`)
      )
    }
    await peer.until(`${name} to hear of ${others.length} others`, () => {
      const heard = new Set(actor.unseen)
      return others.every((id) => heard.has(`${prefix}/ipfs/${id}`)) ? true : undefined
    })
  }

  async #connect(kind: Kind): Promise<Actor> {
    const actor = new Actor(`#${++this.#came}`, kind, await this.#star.connect(kind.options))
    this.#actors.add(actor)
    this.#model.sessions.add(actor.session)
    return actor
  }

  async #come(step: Step): Promise<void> {
    const [kind, place] = [this.#random.pick(this.#options.kinds ?? KINDS), this.#choosePlace(undefined, step)]
    await this.#join(await this.#connect(kind), place, step)
  }

  /** Joins somewhere more, or there again. */
  async #joinMore(actor: Actor, step: Step): Promise<void> {
    await this.#join(actor, this.#choosePlace(actor.session, step), step)
  }

  async #upgrade({ name, peer, session }: Actor, { moving }: Step): Promise<void> {
    this.trail.push(`  ${name} upgrades`)
    for (const { id } of session.places.values()) moving.add(id)
    await peer.upgrade()
    await peer.settle()
  }

  async #join(actor: Actor, place: Place | undefined, step: Step): Promise<void> {
    const identity = this.#identities.get(place?.id ?? '')
    if (place === undefined || identity === undefined) return
    const { peer, session, name } = actor
    const isHeld = this.#model.holders(place.id).some((other) => other !== session)
    const what = `${name} joins ${place.prefix}/p2p/${place.id}`
    try {
      const listed = await peer.join(identity, place.prefix)
      this.#model.join(session, place)
      step.answers.push({ actor, listed })
      this.trail.push(`  ${what}`)
    } catch (error) {
      if (this.#options.challenge || !isHeld || !String(error).includes('Address in use')) {
        throw new Error(what, { cause: error })
      }
      this.trail.push(`  ${what}: in use`)
    }
  }

  async #leave(actor: Actor, { moving }: Step): Promise<void> {
    const place = this.#random.pick([...actor.session.places.values(), undefined])
    for (const { id } of place === undefined ? actor.session.places.values() : [place]) moving.add(id)
    if (place === undefined) return await this.#end(actor)
    const address = `${place.prefix}/${this.#random.pick(['p2p', 'ipfs'])}/${place.id}`
    this.trail.push(`  ${actor.name} leaves ${address}`)
    if (this.#random.chance(0.5)) {
      await actor.peer.request('ss-leave', address)
    } else {
      // As legacy clients do, who want no answer.
      actor.peer.emit('ss-leave', address)
      await actor.peer.settle()
    }
    this.#model.leave(actor.session, place)
    actor.left()
  }

  async #end(actor: Actor): Promise<void> {
    const { peer, session, name } = actor
    this.#actors.delete(actor)
    this.#model.end(session)
    // One that polls may be between two polls: that it is gone would be noticed late.
    const how = peer.isOverWebSocket ? this.#random.below(3) : 0
    this.trail.push(`  ${name} ${['says goodbye', 'closes', 'is cut off'][how]}`)
    if (how === 0) peer.send('41')
    else if (how === 1) peer.wire.close()
    else peer.tcp.resetAndDestroy()
    await peer.closed
  }

  /** A peer that nothing else happens to, and that not too many hold. */
  #choosePlace(session: ModelSession | undefined, { taken }: Step): Place | undefined {
    const [again] = this.#random.pickSome([...(session?.places.values() ?? [])], this.#random.chance(0.1) ? 1 : 0)
    const ids = [...this.#identities.keys()].filter((id) => {
      const holders = this.#model.holders(id)
      return !taken.has(id) && (holders.length < HOLDERS || (session !== undefined && holders.includes(session)))
    })
    if (ids.length === 0) return undefined
    const place = again ?? { id: this.#random.pick(ids), prefix: this.#random.pick(this.#prefixes) }
    taken.add(place.id)
    return place
  }
}

/** The peers a client heard of since the last look: each in the spelling of legacy clients, under one of these prefixes. */
function idsOf({ name, unseen }: Actor, prefixes: Iterable<string>): Set<string> {
  return new Set(unseen.map((address) => idIn(address, prefixes) ?? expect.fail(`${name} heard of ${address}`)))
}

function idIn(address: string, prefixes: Iterable<string>): string | undefined {
  for (const prefix of prefixes) {
    if (address.startsWith(`${prefix}/ipfs/`)) return address.slice(prefix.length + '/ipfs/'.length)
  }
  return undefined
}

function expectNone(found: unknown, what: string): void {
  expect(found, what).toEqual(typeof found === 'number' ? 0 : [])
}

/** Since the last look it heard of these, and of nobody else, under its own prefix. */
function expectHeard(actor: Actor, expected: ReadonlySet<string>): void {
  const { prefix } = actor.session
  expect(idsOf(actor, prefix === undefined ? [] : [prefix]), actor.name).toEqual(expected)
}

/**
 * What the answer to a join listed.
 *
 * @param always - the others who were there all the time
 * @param ever - all who were there at some time
 */
function expectListed(
  { kind, session, name }: Actor,
  listed: readonly string[],
  always: readonly string[],
  ever: ReadonlySet<string>
): void {
  if (kind.hears !== 'announcements') return expectNone(listed, `listed to ${name}`)
  const ids = listed.map((address) => idIn(address, session.prefixes) ?? expect.fail(`${name} was listed ${address}`))
  expect(ids, name).toEqual(expect.arrayContaining([...always]))
  expectNone(
    ids.filter((id, index) => !ever.has(id) || session.holds(id) || ids.indexOf(id) !== index),
    `listed to ${name} in vain`
  )
}
