import { setTimeout as delay } from 'node:timers/promises'
import { shrinkList, shrinkText, type Fails } from '../shrink.js'
import { drawTranscript } from './draw.js'
import { Scene } from './scene.js'
import type { Transcript, Way } from './transcript.js'

export interface SocketPlan {
  readonly seed: number
  /** Inputs to send, or milliseconds to take: whichever is over first. */
  readonly inputs: number
  readonly ms: number
  readonly only: Way | undefined
}

export interface SocketOutcome {
  readonly inputs: number
  readonly transcripts: number
  readonly ms: number
  readonly servers: readonly ServerOutcome[]
  readonly failure: SocketFailure | undefined
}

interface ServerOutcome {
  readonly kind: string
  /** Bytes it held at most, and at the end. */
  readonly peakBytes: number
  readonly lastBytes: number
  /** Milliseconds of the slowest answer of `/health`. */
  readonly slowest: number
  /** What was reached: its last figures. */
  readonly metrics: ReadonlyMap<string, number>
}

interface SocketFailure {
  readonly error: unknown
  /** The smallest transcripts that fail, or nothing if they did not fail again. */
  readonly transcripts: readonly Transcript[]
}

const KINDS = ['default', 'lax'] as const
/** Transcripts at a time. */
const AT_ONCE = 48
/** Milliseconds of a lap: after each, everybody has to be gone. */
const LAP = 60_000
const CHECK_INTERVAL = 1_000
/** Attempts to make a failure smaller, and milliseconds for them all. */
const ATTEMPTS_MAX = 400
const SHRINK_MS = 600_000

/** Plays random transcripts to real servers until one of these is not well. */
export async function fuzzSockets({ seed, inputs, ms, only }: SocketPlan): Promise<SocketOutcome> {
  const begin = performance.now()
  const scenes = await Promise.all(KINDS.map((kind) => Scene.start(kind)))
  const sent = { inputs: 0, transcripts: 0 }
  const left = (): number =>
    Math.min(ms - (performance.now() - begin), sent.inputs < inputs ? Number.POSITIVE_INFINITY : 0)
  let failure: SocketFailure | undefined
  try {
    while (failure === undefined && left() > 0) {
      const lap: Transcript[] = []
      const end = performance.now() + LAP
      failure = await watched(scenes, lap, async (isOver) => {
        const player = async (): Promise<void> => {
          while (!isOver() && performance.now() < end && left() > 0) {
            const transcript = drawTranscript(seedOf(seed, sent.transcripts++), only)
            lap.push(transcript)
            const count = await sceneOf(scenes, transcript).play(transcript)
            sent.inputs += count
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, player))
      })
    }
  } finally {
    await Promise.all(scenes.map((scene) => scene[Symbol.asyncDispose]()))
  }
  const servers = scenes.map(({ kind, peakBytes, lastBytes, slowest, metrics }) => ({
    kind,
    peakBytes,
    lastBytes,
    slowest,
    metrics
  }))
  return { ...sent, ms: performance.now() - begin, servers, failure }
}

/** Plays transcripts to fresh servers. @returns what is wrong then, if anything is */
async function replay(transcripts: readonly Transcript[]): Promise<unknown> {
  const kinds = KINDS.filter((kind) => transcripts.some(({ server }) => server === kind))
  const scenes = await Promise.all(kinds.map((kind) => Scene.start(kind)))
  try {
    const waiting = [...transcripts]
    const player = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await sceneOf(scenes, next).play(next)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, player))
    await Promise.all(scenes.map((scene) => scene.settle()))
    return undefined
  } catch (error) {
    return error
  } finally {
    await Promise.all(scenes.map((scene) => scene[Symbol.asyncDispose]()))
  }
}

/** Looks at the servers again and again while something is done to them, and after it. */
async function watched(
  scenes: readonly Scene[],
  lap: readonly Transcript[],
  work: (isOver: () => boolean) => Promise<void>
): Promise<SocketFailure | undefined> {
  let failed: { scene: Scene; error: unknown } | undefined
  const done = new AbortController()
  const watch = async (scene: Scene): Promise<void> => {
    try {
      while (!done.signal.aborted) {
        await scene.check()
        await delay(CHECK_INTERVAL, undefined, { signal: done.signal }).catch(() => {})
      }
      if (failed === undefined) await scene.settle()
    } catch (error) {
      failed ??= { scene, error }
      done.abort()
    }
  }
  const watching = Promise.all(scenes.map(watch))
  await work(() => done.signal.aborted)
  done.abort()
  await watching
  if (failed === undefined) return undefined
  const { scene, error } = failed
  console.log(`the ${scene.kind} server failed: ${messageOf(error)}\nlooking for the smallest transcripts that do it`)
  return { error, transcripts: await shrink(lap.filter(({ server }) => server === scene.kind)) }
}

async function shrink(lap: readonly Transcript[]): Promise<readonly Transcript[]> {
  const end = performance.now() + SHRINK_MS
  let attempts = 0
  const fails: Fails<readonly Transcript[]> = async (transcripts) => {
    if (transcripts.length === 0 || attempts++ > ATTEMPTS_MAX || performance.now() > end) return false
    return (await replay(transcripts)) !== undefined
  }
  // What was played last is the likeliest.
  const last = lap.slice(-2 * AT_ONCE)
  const begun = (await fails(last)) ? last : (await fails(lap)) ? lap : []
  const few = [...(await shrinkList(begun, fails))]
  for (const [index, transcript] of few.entries()) {
    const failsWith = async (smaller: Transcript): Promise<boolean> => await fails(few.with(index, smaller))
    few[index] = await shrinkTranscript(transcript, failsWith)
  }
  return few
}

/** Leaves out steps, then parts of what is left. */
async function shrinkTranscript(transcript: Transcript, fails: Fails<Transcript>): Promise<Transcript> {
  const steps = [...(await shrinkList(transcript.steps, async (steps) => await fails({ ...transcript, steps })))]
  for (const [index, [kind, what]] of steps.entries()) {
    const text = await shrinkText(
      what,
      async (text) => await fails({ ...transcript, steps: steps.with(index, [kind, text]) })
    )
    steps[index] = [kind, text]
  }
  return { ...transcript, steps }
}

function sceneOf(scenes: readonly Scene[], { server }: Transcript): Scene {
  const scene = scenes.find(({ kind }) => kind === server)
  if (scene === undefined) throw new Error(`there is no server ${server}`)
  return scene
}

/** The seed of each transcript, from that of the run. */
function seedOf(seed: number, index: number): number {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(index + 1, 0xc2b2ae35)) >>> 0
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
