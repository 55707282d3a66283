import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Fault } from './faults.js'
import type { NodeLife } from './nodes.js'
import type { Outcome } from './transfers.js'

/** Differs from dial to dial. */
const NAMES = /\/[a-z0-9]+\/\S+|\b(12D3|Qm)\w+\b|\b[0-9a-f]{8}[0-9a-f-]{24,28}\b/g

/** Tells what happens as it does, and counts it. */
export class Report {
  readonly violations: string[] = []
  readonly #begin = performance.now()
  /** Shows whether the machine had time for all of this. */
  readonly #delay = monitorEventLoopDelay()
  readonly #faults = new Map<string, number>()
  readonly #deeds = new Map<string, number>()
  /** By how, and why. */
  readonly #failed = new Map<string, number>()
  readonly #calms: number[] = []
  #complete = 0
  #calmComplete = 0
  #bytes = 0
  #engineBytes = 0

  constructor() {
    this.#delay.enable()
  }

  fault({ kind, text }: Pick<Fault, 'kind' | 'text'>): void {
    count(this.#faults, kind)
    this.say(text)
  }

  deed(what: string): void {
    count(this.#deeds, what)
  }

  checked(bytes: number): void {
    this.#bytes += bytes
  }

  /** @param isCalm - while nothing failed */
  complete(isCalm: boolean): void {
    if (isCalm) this.#calmComplete++
    else this.#complete++
  }

  failed({ type, reason }: Outcome & { readonly reason: string }, why: string | undefined): void {
    const plain = reason.replaceAll(NAMES, '…').slice(0, 100)
    count(
      this.#failed,
      type === 'undialled' ? `not dialled: ${plain}` : `${type} as ${why ?? 'NOTHING EXPLAINS'}: ${plain}`
    )
  }

  calm(when: string, convergence: number, ms: number): void {
    this.#calms.push(convergence)
    this.say(`calm ${when}: of one mind after ${Math.round(convergence)} ms, all dials work after ${Math.round(ms)} ms`)
  }

  /** Bytes that Redis holds. */
  engineBytes(bytes: number): void {
    this.#engineBytes = Math.max(this.#engineBytes, bytes)
  }

  violated(what: string): void {
    if (this.violations.includes(what)) return
    this.violations.push(what)
    this.say(`WRONG: ${what}`)
  }

  say(text: string): void {
    const seconds = ((performance.now() - this.#begin) / 1_000).toFixed(1).padStart(6)
    console.log(`${seconds} s  ${text}`)
  }

  /** All figures of nodes that share a star. */
  summary(lives: readonly NodeLife[]): Row[] {
    const total = (name: string): number => lives.reduce((sum, life) => sum + life.sum(name), 0)
    return [
      ...this.traffic(),
      ['processes of nodes', lives.length],
      ['envelopes sent again', total('rendezvous_cluster_retransmits_total')],
      ...tally(lives, 'envelopes refused', 'rendezvous_cluster_refused_total'),
      ...tally(lives, 'streams reset', 'rendezvous_stream_resets_total'),
      ['largest node', megabytes(Math.max(0, ...lives.map(({ peakBytes }) => peakBytes)))],
      ['largest Redis', megabytes(this.#engineBytes)]
    ]
  }

  /** What clients did and what was done to them. */
  traffic(): Row[] {
    return [
      ['transfers complete while nothing failed', this.#calmComplete],
      ['transfers complete among faults', this.#complete],
      ...sorted(this.#failed),
      ['bytes checked', megabytes(this.#bytes)],
      ['faults', sum(this.#faults)],
      ...sorted(this.#faults),
      ['deeds of clients', sum(this.#deeds)],
      ...sorted(this.#deeds),
      ['recoveries', this.#calms.length],
      ['  slowest', `${Math.round(Math.max(0, ...this.#calms))} ms`],
      ['slowest turn of this process', `${Math.round(this.#delay.max / 1e6)} ms`]
    ]
  }
}

/** A figure and its name. */
export type Row = readonly [name: string, value: string | number]

/** Lays rows out, one a line. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n')
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`
}

/** A figure that is counted for each reason, of all nodes together. */
export function tally(lives: readonly Pick<NodeLife, 'metrics'>[], title: string, name: string): [string, number][] {
  const counts = new Map<string, number>()
  for (const { metrics } of lives) {
    for (const [key, value] of metrics) {
      const reason = key.startsWith(`${name}{`) ? /reason="([^"]*)"/.exec(key)?.[1] : undefined
      if (reason !== undefined && value > 0) counts.set(reason, (counts.get(reason) ?? 0) + value)
    }
  }
  return [[title, sum(counts)], ...sorted(counts)]
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, one) => all + one, 0)
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name, value]) => [`  ${name}`, value])
}
