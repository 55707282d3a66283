import { DRAIN_TIMEOUT, LEASE, type NodeLife } from './nodes.js'
import type { Transfer } from './transfers.js'

/** Milliseconds without contact to Redis from which a node may lose its lease: it was renewed a while before. */
const REAPED_FROM = LEASE * 0.55
/** Milliseconds between two silences in which a node may not manage to renew its lease. */
const RENEWAL = 1_500
/** Milliseconds after a silence in which links to a node that was given up may be found lost. */
const AFTERMATH = 10_000
/** Milliseconds by which a drain may be told of late, or end early. */
const DRAIN_TOLERANCE = 300

/** A time in which a node, or all, could not talk to Redis: milliseconds of `performance.now()`. */
interface Silence {
  /** Undefined: all of them, which alone explains nothing. */
  readonly life: NodeLife | undefined
  readonly from: number
  to: number
}

/** Knows what was done to whom, and tells whether that explains what came of it. */
export class Judge {
  readonly #silences: Silence[] = []

  /** A node cannot talk to Redis, or all nodes cannot. @returns to be called when it can again */
  silent(life: NodeLife | undefined): () => void {
    const silence = { life, from: performance.now(), to: Number.POSITIVE_INFINITY }
    this.#silences.push(silence)
    return () => void (silence.to = performance.now())
  }

  /** Why a transfer may have failed; undefined if it may not. */
  explain(transfer: Transfer): string | undefined {
    const { startedAt, endedAt = performance.now(), lives, near, far } = transfer
    if (near.wasUpset(startedAt, endedAt) || far.wasUpset(startedAt, endedAt)) return 'a peer left'
    for (const life of lives) {
      if (life.killedAt !== undefined && life.killedAt <= endedAt) return 'a node was killed'
      if (life.drainedAt !== undefined && endedAt >= life.drainedAt + DRAIN_TIMEOUT - DRAIN_TOLERANCE)
        return 'a node was drained'
    }
    // what passes one node only does not need the others
    if (lives.size < 2) return undefined
    for (const life of lives) if (this.#mayBeReaped(life, startedAt, endedAt)) return 'a node was given up'
    return undefined
  }

  /** Whether others may have given a node up at a time that matters between these two. */
  #mayBeReaped(life: NodeLife, from: number, to: number): boolean {
    for (const group of this.#groups(life)) {
      if (group.some((silence) => silence.life === life)) {
        const begin = Math.min(...group.map((silence) => silence.from))
        const end = Math.max(...group.map((silence) => silence.to))
        if (Math.min(end, to) - begin >= REAPED_FROM && begin <= to && end + AFTERMATH >= from) return true
      }
    }
    return false
  }

  /** Silences of a node, those that follow closely upon each other together. */
  #groups(life: NodeLife): Silence[][] {
    const groups: Silence[][] = []
    let end = Number.NEGATIVE_INFINITY
    for (const silence of this.#silences) {
      if (silence.life !== undefined && silence.life !== life) continue
      if (silence.from > end + RENEWAL) groups.push([])
      groups.at(-1)?.push(silence)
      end = Math.max(end, silence.to)
    }
    return groups
  }
}
