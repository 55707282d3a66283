import { sizeName } from '../cases.js'
import type { Result } from '../schedule.js'
import type { Trial } from '../trial.js'
import type { StarName } from './contenders.js'
import type { DelayFigures } from './delays.js'
import type { RegistryCase, RegistryFigures } from './registry.js'
import type { RelayCase, RelayFigures } from './relay.js'

/** Something that is done again and again, each time when the last one is over and both nodes are idle. */
export interface DelayCase {
  kind: 'round-trip' | 'dial'
}

/** What is done to a star. */
export type ClusterCase = RelayCase | DelayCase | RegistryCase

export type ClusterFigures = RelayFigures | DelayFigures | RegistryFigures

export type ClusterTrial = Trial<ClusterCase, StarName>

export type ClusterResult = Result<ClusterCase, StarName, ClusterFigures>

export function clusterCaseName(of: ClusterCase): string {
  return of.kind === 'relay' ? `${of.load}/${sizeName(of.size)}` : of.kind
}
