import type { DialsCase, DialsFigures } from './load/dials.js'
import type { AddedLatencyFigures, LatencyCase } from './load/latency.js'
import type { MemoryCase, MemoryFigures } from './load/memory.js'
import type { ThroughputCase, ThroughputFigures } from './load/throughput.js'
import type { ContenderName } from './servers/contenders.js'

/** What is done to a server. */
export type Case = ThroughputCase | LatencyCase | MemoryCase | DialsCase

export interface FiguresOf {
  throughput: ThroughputFigures
  latency: AddedLatencyFigures
  memory: MemoryFigures
  dials: DialsFigures
}

export type Figures = FiguresOf[keyof FiguresOf]

/** One case, done to one server that was started for it, from a process that was started for it. */
export interface Trial {
  contender: ContenderName
  case: Case
  /** Seconds before the figures are taken, and while they are. */
  warmup: number
  seconds: number
  /** More arguments for the server's node. */
  nodeFlags?: readonly string[]
}

export function nameOf(of: Case): string {
  switch (of.kind) {
    case 'throughput':
      return `${sizeName(of.payload)}/${of.pairs}/${of.mode}`
    case 'latency':
      return `latency/${of.perSecond}`
    case 'memory':
      return `memory/${of.sender}`
    case 'dials':
      return `dials/${of.count}`
  }
}

function sizeName(bytes: number): string {
  return bytes < 1024 ? `${bytes}B` : `${bytes / 1024}KiB`
}
