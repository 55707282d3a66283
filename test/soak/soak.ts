import { setTimeout as delay } from 'node:timers/promises'
import { eventually, Random, within } from '@websocket-star/testkit'
import { differencesOfClient, faultsOf } from '../chaos/calm.js'
import type { HalfPlan } from '../chaos/half.js'
import type { NodeLife } from '../chaos/nodes.js'
import { Party } from '../chaos/parties.js'
import { megabytes, Report, type Row, tally } from '../chaos/report.js'
import { Traffic } from '../chaos/traffic.js'
import { messageOf, type Transfer } from '../chaos/transfers.js'
import { drawFault } from './faults.js'
import { KINDS } from './peers/kinds.js'
import { Road, Roads } from './roads.js'
import { type Sample, WatchedServer } from './server.js'
import { stray } from './strays.js'
import { described, slopePerHour, trend } from './trend.js'

const ROADS = 4
/** Transfers under way at once. */
const TALKS = 24
/** Bytes a second, of all transfers together. */
const RATE = 6_000_000
/** Milliseconds with faults, and then none. */
const STORM = 45_000
/** Milliseconds from a fault to the next one at most. */
const GAP = 3_000
/** Milliseconds between two samples while there is traffic. */
const SAMPLE_INTERVAL = 30_000
/** Milliseconds in which everybody has to be joined and known, once nothing fails any more. */
const CONVERGENCE = 30_000
/**
 * Number of dials that a pair has then, each of which waits for 8 to 10 seconds: a legacy client is not read from for up to 30
 * seconds while somebody it sends to, who may have vanished, does not read.
 */
const ATTEMPTS = 4
/** Milliseconds that everybody has to reach everybody then. */
const DIALS = 240_000
/** Milliseconds after the last client has left: a client that vanished while it polled is noticed after 85 seconds. */
const EMPTY = 150_000
/** Why sessions end of clients that vanished while they polled, which do so without a word. */
const VANISHED = ['heartbeat timeout', 'stalled']
/** Share of the transfers' directions whose receiver gives up. */
const GIVE_UP = 0.08
/** Minutes from which on the slope says enough to be judged, and megabytes an hour that it may have. */
const JUDGED_FROM = 20
const HEAP_SLOPE = 40

/** A run, from the start of the server to its end. */
export class Soak {
  readonly report = new Report()
  readonly #minutes: number
  readonly #faultRandom: Random
  readonly #strayRandom: Random
  readonly #traffic: Traffic
  readonly #over = new AbortController()
  #life: NodeLife | undefined
  #first: Sample | undefined
  #last: Sample | undefined
  /** After each storm, with everybody there and no transfer under way. */
  readonly #calm: Sample[] = []
  readonly #busy: Sample[] = []

  constructor(minutes: number, seed: number) {
    this.#minutes = minutes
    this.#faultRandom = new Random(seed)
    this.#strayRandom = new Random(seed ^ 0x0ddba11)
    this.#traffic = new Traffic(new Random(seed ^ 0x5ca1ab1e), this.report, {
      talks: TALKS,
      rate: RATE,
      attempts: ATTEMPTS,
      canTalk: () => true,
      plan: planFor,
      explain,
      violated: (what) => this.report.violated(what)
    })
  }

  async run(): Promise<void> {
    await using server = await WatchedServer.start()
    await using roads = await Roads.open(server, ROADS)
    this.#first = await server.sample()
    this.#life = roads.all[0]
    const sampling = this.#sample(server)
    try {
      await this.#traffic.gather(await partiesOf(roads, this.#traffic), (index) => index % ROADS)
      await this.#rest(server)
      const end = performance.now() + this.#minutes * 60_000
      while (performance.now() < end) {
        await this.#storm(server, roads, Math.min(STORM, end - performance.now()))
        await this.#rest(server)
      }
    } finally {
      this.#over.abort()
      await sampling
      await this.#traffic.leave()
    }
    await this.#part(server)
  }

  /** Faults of roads and strangers, while everybody talks, comes and goes. */
  async #storm(server: WatchedServer, roads: Roads, ms: number): Promise<void> {
    const end = performance.now() + ms
    this.#traffic.start()
    await Promise.all([this.#fail(roads, end), this.#stray(server, end)])
    await this.#traffic.stop()
    await this.#traffic.settle()
  }

  async #fail(roads: Roads, end: number): Promise<void> {
    while (performance.now() < end) {
      const fault = drawFault(this.#faultRandom, roads.all)
      this.report.fault(fault)
      await fault.run()
      await delay(this.#faultRandom.below(GAP))
    }
  }

  async #stray(server: WatchedServer, end: number): Promise<void> {
    while (performance.now() < end) {
      try {
        this.report.deed(await within('a stranger to be done', stray(server.process, this.#strayRandom)))
      } catch (error) {
        this.report.violated(`A stranger: ${messageOf(error)}`)
      }
      await delay(this.#strayRandom.below(500))
    }
  }

  /** Nothing fails: everybody has to be there, and to reach everybody. */
  async #rest(server: WatchedServer): Promise<void> {
    const begin = performance.now()
    let wrong: string[] = []
    try {
      await eventually(
        'everybody to be there',
        async () => {
          wrong = await this.#differences(server)
          return wrong.length === 0
        },
        CONVERGENCE
      )
      const convergence = performance.now() - begin
      await within('everybody to reach everybody', this.#traffic.dialAll(), DIALS)
      this.#calm.push(await server.sample())
      this.report.calm('after faults', convergence, performance.now() - begin)
    } catch (error) {
      this.report.violated(`When nothing fails: ${wrong.slice(0, 12).join('; ') || messageOf(error)}`)
    }
  }

  async #differences(server: WatchedServer): Promise<string[]> {
    const { parties } = this.#traffic
    const truth = new Map(parties.map((party) => [party.peer.id, party]))
    const peers = (await server.gauges()).get('rendezvous_peers')
    return [
      ...parties.filter(({ isThere }) => !isThere).map(({ name }) => `${name} has not joined`),
      ...(peers === parties.length ? [] : [`the server has ${peers} peers, not ${parties.length}`]),
      ...parties.flatMap((party) => differencesOfClient(party, truth))
    ]
  }

  async #sample(server: WatchedServer): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      await delay(SAMPLE_INTERVAL, undefined, { signal }).catch(() => {})
      if (!signal.aborted) this.#busy.push(await server.sample())
    }
  }

  /** All have left: the server has to be as it was, and to end as it should. */
  async #part(server: WatchedServer): Promise<void> {
    await this.#untilNone('gauges', async () => open(await server.gauges()))
    await this.#life?.readMetrics()
    // Without another request, as each is a socket.
    await this.#untilNone('resources', async () => {
      this.#last = await server.sample()
      return growth(this.#first, this.#last)
    })
    const faults = this.#life === undefined ? [] : faultsOf(this.#life, VANISHED)
    for (const fault of faults) this.report.violated(fault)
    const slope = slopePerHour(this.#calm, ({ heapUsed }) => heapUsed) / 1e6
    if (this.#minutes >= JUDGED_FROM && slope > HEAP_SLOPE) this.report.violated(`the heap grew by ${slope} MB an hour`)
    const { code } = await server.process.terminate()
    if (code !== 0) this.report.violated(`the server ended with ${code}`)
  }

  async #untilNone(what: string, read: () => Promise<string[]>): Promise<void> {
    const end = performance.now() + EMPTY
    let left = await read()
    while (left.length > 0 && performance.now() < end) {
      await delay(1_000)
      left = await read()
    }
    if (left.length > 0) this.report.violated(`After all have left there are ${what}: ${left.join(', ')}`)
  }

  summary(): Row[] {
    const lives = this.#life === undefined ? [] : [this.#life]
    const total = (name: string): number => lives.reduce((sum, life) => sum + life.sum(name), 0)
    return [
      ...this.report.traffic(),
      ['joins that the server counted', total('rendezvous_joins_total')],
      ['dials that the server counted', total('rendezvous_dials_total')],
      ['bytes that it relayed', megabytes(total('rendezvous_relayed_bytes_total'))],
      ...tally(lives, 'sessions that ended', 'rendezvous_closed_total'),
      ...tally(lives, 'requests refused', 'rendezvous_refused_total'),
      ...tally(lives, 'frames dropped', 'rendezvous_dropped_total'),
      ...tally(lives, 'streams reset', 'rendezvous_stream_resets_total'),
      ...trend('heap at rest', this.#calm, ({ heapUsed }) => heapUsed),
      ...trend('heap among traffic', this.#busy, ({ heapUsed }) => heapUsed),
      ...trend('buffers at rest', this.#calm, ({ external }) => external),
      ...trend('RSS at rest', this.#calm, ({ rss }) => rss),
      ...trend('RSS among traffic', this.#busy, ({ rss }) => rss),
      ['at the start', described(this.#first)],
      ['at the end', described(this.#last)]
    ]
  }
}

async function partiesOf(roads: Roads, { accept }: Traffic): Promise<Party[]> {
  const parties = Object.entries(KINDS).flatMap(([kind, { count, creator }]) =>
    Array.from({ length: count }, async (_, index) => {
      return new Party(kind, index, roads, accept, await creator(`${kind}${index}`))
    })
  )
  return await Promise.all(parties)
}

function planFor(from: Party, to: Party, random: Random): HalfPlan {
  const manner = random.pick(['fast', 'fast', 'slow', 'stopping'] as const)
  const most = Math.min(
    ...[from, to].map(({ kind }) => KINDS[kind]?.most ?? 0),
    manner === 'slow' ? 2_000_000 : Infinity
  )
  // from some bytes to some megabytes, in each order of magnitude as often
  const bytes = Math.floor(most ** random.next())
  const giveUpAt = random.chance(GIVE_UP) ? random.below(bytes) : undefined
  return { bytes, manner, giveUpAt }
}

/** Returns why a transfer may have failed; undefined if it may not. */
function explain({ startedAt, endedAt = performance.now(), lives, near, far }: Transfer): string | undefined {
  if (near.wasUpset(startedAt, endedAt) || far.wasUpset(startedAt, endedAt)) return 'a peer left'
  const roads = [...lives].filter((life) => life instanceof Road)
  if (roads.some((road) => road.had('cut', startedAt, endedAt))) return 'a road was cut'
  const isPolling = [near, far].some(({ kind }) => KINDS[kind]?.isPolling === true)
  if (isPolling && roads.some((road) => road.had('silent', startedAt, endedAt))) return 'a poll found no road'
  return undefined
}

/** What there is more of than at the start. */
function growth(first: Sample | undefined, last: Sample): string[] {
  const before: Sample['resources'] = first?.resources ?? {}
  const files = first?.files ?? 0
  return [
    ...Object.entries(last.resources)
      .filter(([name, count]) => count > (before[name] ?? 0))
      .map(([name, count]) => `${count} ${name}, at first ${before[name] ?? 0}`),
    ...(last.files > files ? [`${last.files} open files, at first ${files}`] : [])
  ]
}

/** The connection that the gauges are asked for over. */
const ASKING = 1

/** Gauges that are not as they are when all clients have left. */
function open(gauges: ReadonlyMap<string, number>): string[] {
  return [...gauges]
    .filter(([name, value]) => value !== (name === 'rendezvous_connections' ? ASKING : 0))
    .map(([name, value]) => `${name} is ${value}`)
}
