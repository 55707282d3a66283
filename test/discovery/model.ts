/** Where somebody joined. */
export interface Place {
  /** Of the peer, in base58. */
  id: string
  prefix: string
}

/** A connection as the model sees it: where it joined, oldest first, by the text of the address. */
export class ModelSession {
  readonly places = new Map<string, Place>()
  /** Every prefix it ever joined under. */
  readonly prefixes = new Set<string>()

  /** The prefix it is told of others under: the one it joined with last. Undefined while it has none. */
  get prefix(): string | undefined {
    return [...this.places.values()].at(-1)?.prefix
  }

  holds(id: string): boolean {
    return [...this.places.values()].some((place) => place.id === id)
  }
}

/** Who is there, by the rules alone: what every client of a star is to hear follows from it. */
export class Model {
  readonly sessions = new Set<ModelSession>()

  /** A peer is there while anybody holds it, under whatever prefix. */
  get present(): Set<string> {
    return new Set([...this.sessions].flatMap(({ places }) => Array.from(places.values(), ({ id }) => id)))
  }

  holders(id: string): ModelSession[] {
    return [...this.sessions].filter((session) => session.holds(id))
  }

  join(session: ModelSession, { id, prefix }: Place): void {
    session.prefixes.add(prefix)
    const text = addressOf({ id, prefix })
    // Joined again it stays where it is in the order.
    if (!session.places.has(text)) session.places.set(text, { id, prefix })
  }

  leave(session: ModelSession, place: Place): void {
    session.places.delete(addressOf(place))
  }

  end(session: ModelSession): void {
    session.places.clear()
    this.sessions.delete(session)
  }

  /** Everybody a session is to know of: nobody is told of its own peers, and nobody without an address of anyone. */
  others(session: ModelSession): Set<string> {
    if (session.prefix === undefined) return new Set()
    return new Set([...this.present].filter((id) => !session.holds(id)))
  }
}

function addressOf({ id, prefix }: Place): string {
  return `${prefix}/p2p/${id}`
}
