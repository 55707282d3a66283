import type { DialsCase, DialsFigures } from './load/dials.js'
import type { AddedLatencyFigures, LatencyCase } from './load/latency.js'
import type { MemoryCase, MemoryFigures } from './load/memory.js'
import type { ThroughputCase, ThroughputFigures } from './load/throughput.js'
import type { Result } from './schedule.js'
import type { ContenderName } from './servers/contenders.js'
import type { Trial } from './trial.js'

/** What is done to a server. */
export type Case = ThroughputCase | LatencyCase | MemoryCase | DialsCase

export interface FiguresOf {
  throughput: ThroughputFigures
  latency: AddedLatencyFigures
  memory: MemoryFigures
  dials: DialsFigures
}

export type Figures = FiguresOf[keyof FiguresOf]

export type RelayTrial = Trial<Case, ContenderName>

export type RelayResult = Result<Case, ContenderName, Figures>

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

export function sizeName(bytes: number): string {
  return bytes < 1024 ? `${bytes}B` : `${bytes / 1024}KiB`
}
