import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import { BINARY, maskedFrame, textFrame } from '../../wire/frame.js'
import { headerOf } from '../../wire/pair.js'
import { StarPeer } from '../../wire/star-peer.js'

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
  dialer: StarPeer
  callee: StarPeer
  readonly #port: number

  private constructor(port: number, dialer: StarPeer, callee: StarPeer) {
    this.#port = port
    this.dialer = dialer
    this.callee = callee
  }

  static async open(port: number): Promise<Lane> {
    return new Lane(port, await joined(port), await joined(port))
  }

  async run(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const course = this.dials % LOSS_INTERVAL === LOSS_INTERVAL - 1 ? lost : COURSES[this.dials % COURSES.length]
      await course?.(this)
      this.dials++
    }
  }

  /** The callee's connection ends without a word; a new peer takes its place. */
  async replaceCallee(): Promise<void> {
    this.callee.socket.close()
    this.callee = await joined(this.#port)
  }

  close(): void {
    this.dialer.socket.close()
    this.callee.socket.close()
  }
}

/** Returns a peer that takes no notice of chunks. */
async function joined(port: number): Promise<StarPeer> {
  const peer = await StarPeer.connect(port)
  peer.socket.filter((opcode) => opcode === BINARY)
  await peer.join()
  return peer
}

/** Both halves are accepted, a chunk goes each way, and both end. */
const whole: Course = async (lane) => {
  const id = await connected(lane)
  chunk(lane.dialer, `${id}.dialer`)
  chunk(lane.callee, `${id}.listener`)
  const told = Promise.all([ended(lane.callee, `${id}.dialer`), ended(lane.dialer, `${id}.listener`)])
  lane.dialer.end(`${id}.dialer`)
  lane.callee.end(`${id}.listener`)
  await told
  forget(lane, id)
}

const refused: Course = async ({ dialer, callee }) => {
  callee.answerDials(() => ['not today'])
  const error = await dialer.dial(callee.address)
  if (error !== 'not today') throw new Error(`a dial that was refused got ${String(error)}`)
}

const unknownPeer: Course = async ({ dialer }) => {
  const error = await dialer.dial(`${dialer.address.slice(0, -8)}${'a'.repeat(8)}`)
  if (typeof error !== 'string') throw new Error('a dial to nobody succeeded')
}

/** The callee answers but breaks both halves before it accepts. The legacy server tells the dialer nothing of it. */
const brokenByCallee: Course = async ({ dialer, callee }) => {
  callee.answerDials(() => [])
  const id = randomUUID()
  await dialer.dial(callee.address, id)
  callee.end(`${id}.dialer`, 'broken')
  callee.end(`${id}.listener`, 'broken')
}

/** The dialer breaks both halves right after it was connected, in the middle of data. */
const brokenByDialer: Course = async (lane) => {
  const id = await connected(lane)
  const told = ended(lane.callee, `${id}.dialer`)
  chunk(lane.dialer, `${id}.dialer`)
  lane.dialer.end(`${id}.dialer`, 'broken')
  lane.dialer.end(`${id}.listener`, 'broken')
  chunk(lane.callee, `${id}.listener`)
  await told
  forget(lane, id)
}

/** The callee's connection is lost while a stream is open. */
const lost: Course = async (lane) => {
  const id = await connected(lane)
  chunk(lane.dialer, `${id}.dialer`)
  await lane.replaceCallee()
  lane.dialer.end(`${id}.dialer`, 'broken')
  lane.dialer.end(`${id}.listener`, 'broken')
  forget(lane, id)
}

const COURSES: readonly Course[] = [whole, refused, whole, brokenByCallee, unknownPeer, brokenByDialer]

async function connected({ dialer, callee }: Lane): Promise<string> {
  const id = randomUUID()
  callee.answerDials(() => {
    callee.accept(`${id}.dialer`)
    return []
  })
  const accepted = new Promise((resolve) => dialer.onStream('accept', `${id}.dialer`, resolve))
  const acceptedBack = new Promise((resolve) => callee.onStream('accept', `${id}.listener`, resolve))
  const error = await dialer.dial(callee.address, id)
  if (error !== undefined && error !== null) throw new Error(`a dial failed: ${String(error)}`)
  dialer.accept(`${id}.listener`)
  await Promise.all([accepted, acceptedBack])
  return id
}

function chunk({ socket }: StarPeer, stream: string): void {
  socket.tcp.write(textFrame(headerOf(stream)))
  socket.tcp.write(maskedFrame(BINARY, Buffer.from('\x04hello')))
}

function ended(peer: StarPeer, stream: string): Promise<unknown> {
  return new Promise((resolve) => peer.onStream('error', stream, resolve))
}

function forget({ dialer, callee }: Lane, id: string): void {
  for (const peer of [dialer, callee]) for (const side of ['dialer', 'listener']) peer.forgetStream(`${id}.${side}`)
}
