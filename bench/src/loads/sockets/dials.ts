import { setTimeout as delay } from 'node:timers/promises'
import { openDial, type RawPeer } from '@websocket-star/testkit'
import type { RunningServer } from '../../contenders/servers/server.js'
import { joinPeer } from '../../wire/load-peer.js'

export interface DialsCase {
  kind: 'dials'
  count: number
}

export interface DialsFigures {
  dials: number
  dialsPerSecond: number
  cpuPerDial: number
  /** Bytes of the server's heap in use after a full collection: after the first dials, and at the end. */
  heapEarly: number
  heapLate: number
  early: number
  peakRss: number
}

/** Dials after which the heap is looked at first: by then what is kept once is there. */
const EARLY = 50_000
/** Pairs that dial at the same time, each one dial after another. */
const LANES = 8
/** What is still under way when the heap is looked at, in milliseconds. */
const SETTLE = 1000
/** Every so many dials of a lane its callee loses its connection in the middle, and comes back. */
const LOSS_INTERVAL = 500

/** How a dial goes. Each leaves nothing behind: whatever was opened was ended by one of the two, or by a lost connection. */
type Course = (lane: Lane) => Promise<void>

/** Many dials, some refused, some broken off at various points; what they leave in the server's heap. */
export async function measureDials(server: RunningServer, { count }: DialsCase): Promise<DialsFigures> {
  const lanes: Lane[] = []
  for (let index = 0; index < LANES; index++) lanes.push(await Lane.open(server.port))
  const early = Math.min(EARLY, Math.floor(count / 4))
  const before = await server.usage()
  let elapsed = 0
  const run = async (dials: number): Promise<number> => {
    const begin = performance.now()
    await Promise.all(lanes.map((lane) => lane.run(Math.ceil(dials / LANES))))
    elapsed += performance.now() - begin
    const { cpu } = await server.usage()
    await delay(SETTLE)
    return cpu
  }
  const cpuEarly = await run(early)
  const heapEarly = await server.heapUsed()
  const between = await server.usage()
  const cpuLate = await run(count - early)
  const heapLate = await server.heapUsed()
  const dials = lanes.reduce((sum, lane) => sum + lane.dials, 0)
  for (const lane of lanes) lane.close()
  return {
    dials,
    dialsPerSecond: (dials * 1000) / elapsed,
    cpuPerDial: (cpuEarly - before.cpu + cpuLate - between.cpu) / dials,
    heapEarly,
    heapLate,
    early,
    peakRss: (await server.usage()).peakRss
  }
}

/** One dialer, and the callee it dials over and over. */
class Lane {
  dials = 0
  dialer: RawPeer
  callee: RawPeer
  readonly #port: number

  private constructor(port: number, dialer: RawPeer, callee: RawPeer) {
    this.#port = port
    this.dialer = dialer
    this.callee = callee
  }

  static async open(port: number): Promise<Lane> {
    return new Lane(port, await joinPeer(port), await joinPeer(port))
  }

  async run(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const course = this.dials % LOSS_INTERVAL === LOSS_INTERVAL - 1 ? lost : COURSES[this.dials % COURSES.length]
      await course?.(this)
      this.dials++
      for (const peer of [this.dialer, this.callee]) peer.forget()
    }
  }

  /** The callee's connection ends without a word; a new peer takes its place. */
  async replaceCallee(): Promise<void> {
    this.callee.wire.close()
    this.callee = await joinPeer(this.#port)
  }

  close(): void {
    this.dialer.wire.close()
    this.callee.wire.close()
  }
}

const HELLO = Buffer.from('hello')

/** Both halves are accepted, a chunk goes each way, and both end. */
const whole: Course = async ({ dialer, callee }) => {
  const { near, far } = await openDial(dialer, callee)
  for (const end of [near, far]) {
    end.write(HELLO)
    end.end(true)
  }
  await Promise.all([far.ended(), near.ended()])
}

const refused: Course = async ({ dialer, callee }) => {
  const [error] = await Promise.all([failure(dialer.dial(callee.address)), callee.answer('not today')])
  if (error !== 'not today') throw new Error(`a dial that was refused got ${error}`)
}

const unknownPeer: Course = async ({ dialer }) => {
  const error = await failure(dialer.dial(`${dialer.address.slice(0, -8)}${'a'.repeat(8)}`))
  if (error === undefined) throw new Error('a dial to nobody succeeded')
}

/** The callee answers but breaks both halves before it accepts. The legacy server tells the dialer nothing of it. */
const brokenByCallee: Course = async ({ dialer, callee }) => {
  const [, far] = await Promise.all([dialer.dial(callee.address), callee.answer(null)])
  far.refuse('broken')
  far.end('broken')
}

/** The dialer breaks both halves right after it was connected, in the middle of data. */
const brokenByDialer: Course = async ({ dialer, callee }) => {
  const { near, far } = await openDial(dialer, callee)
  near.write(HELLO)
  near.end('broken')
  near.refuse('broken')
  far.write(HELLO)
  await far.ended()
}

/** The callee's connection is lost while a stream is open. */
const lost: Course = async (lane) => {
  const { near } = await openDial(lane.dialer, lane.callee)
  near.write(HELLO)
  await lane.replaceCallee()
  near.end('broken')
  near.refuse('broken')
}

const COURSES: readonly Course[] = [whole, refused, whole, brokenByCallee, unknownPeer, brokenByDialer]

/** @returns what the server said against a dial, undefined if it succeeded */
function failure(dial: Promise<unknown>): Promise<string | undefined> {
  return dial.then(
    () => undefined,
    (error: Error) => error.message
  )
}
