import { randomBytes } from 'node:crypto'
import { keyFromSeed, type StarClient, type StarClientOptions } from '@websocket-star/client'
import { within } from '@websocket-star/testkit'
import type { StarAddress } from '../../support/star.js'
import { echoing, failure, joinClient, roundTripText, untilPeers } from '../../support/star-client.js'
import { Load, loadBothWays, type LoadOptions } from '../load.js'
import { connectParties, joinParty, type PartyKind, type Side } from '../parties.js'
import { BYTES } from './process-star.js'

/** A client that answers every dial, and remembers whom it was told to have left. */
export class Resident {
  readonly client: StarClient
  /** With which another client can be the same peer. */
  readonly privateKey: StarClientOptions['privateKey']
  /** Ids of peers, in the order they left. */
  readonly left: string[] = []

  private constructor(client: StarClient, privateKey: StarClientOptions['privateKey']) {
    this.client = client
    this.privateKey = privateKey
    client.addEventListener('peer:left', ({ detail }) => this.left.push(detail.id))
    echoing(client)
  }

  /** @param same - it is the same peer as that one */
  static async join(star: StarAddress, same?: Resident): Promise<Resident> {
    const privateKey = same?.privateKey ?? (await keyFromSeed(randomBytes(32)))
    return new Resident(await joinClient(star.url, { privateKey }), privateKey)
  }

  static async joinEach(stars: readonly StarAddress[]): Promise<Resident[]> {
    return await Promise.all(stars.map((star) => Resident.join(star)))
  }

  get id(): string {
    return this.client.peerId
  }

  knows({ id }: Resident): boolean {
    return this.client.peers.has(id)
  }

  async untilKnows(...others: readonly Resident[]): Promise<void> {
    await untilPeers(this.client, 'the others', () => others.every((other) => this.knows(other)))
  }

  async untilMisses(other: Resident): Promise<void> {
    await untilPeers(this.client, 'one to have left', () => !this.knows(other))
  }

  /** Dials another, which has to answer as it should. */
  async reach({ id }: Resident): Promise<void> {
    const text = randomBytes(8).toString('hex')
    const dialled = this.client.dial(id).then((connection) => roundTripText(connection, text))
    const answer = await within('an answer', dialled)
    if (answer !== text) throw new Error(`It answered ${answer} instead of ${text}`)
  }

  /** What a dial of another fails with. */
  async failsToReach({ id }: { readonly id: string }): Promise<string> {
    return (await failure(this.client.dial(id))).message
  }
}

/** Waits until each knows of all others. */
export async function untilAllKnown(residents: readonly Resident[]): Promise<void> {
  for (const one of residents) await one.untilKnows(...residents.filter((other) => other !== one))
}

/** Each dials all others. */
export async function allReachAll(residents: readonly Resident[]): Promise<void> {
  for (const one of residents) for (const other of residents) if (one !== other) await one.reach(other)
}

/** Peers that take part in {@link loadBetween}. */
export const LOAD_PEERS = 4

/** Who dials in {@link connectBetween}; all that are dialled are new ones. */
const DIALLERS: readonly PartyKind[] = ['client', 'legacy']
/** Index of the legacy one. */
export const LEGACY = 1

/** Open connections between clients of two servers: between new ones, and from a legacy one to a new one. */
export async function connectBetween(here: StarAddress, there: StarAddress): Promise<{ near: Side; far: Side }[]> {
  return await Promise.all(
    DIALLERS.map(async (kind) => await connectParties(await joinParty(kind, here), await joinParty('client', there)))
  )
}

/** Loads between clients of two servers: both ways between new ones, and from a legacy one to a new one. */
export async function loadBetween(
  here: StarAddress,
  there: StarAddress,
  options: Partial<LoadOptions> = {}
): Promise<[Load, Load, Load]> {
  const [client, legacy] = await connectBetween(here, there)
  if (client === undefined || legacy === undefined) throw new Error('there are two')
  const all = { bytes: BYTES, ...options }
  return [...loadBothWays(client.near, client.far, all), new Load(legacy.near, legacy.far, { ...all, seed: 3 })]
}

/** All have come so far. */
export async function allReached(loads: readonly Load[], bytes: number): Promise<void> {
  await Promise.all(loads.map((load) => load.reached(bytes)))
}

/** All of it has come, byte for byte, and ended as it should. */
export async function allArrived(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map(({ done }) => done))
}
