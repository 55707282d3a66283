/** Runs one trial of `bench cluster`. */
import { serveTrial } from '../trial.js'
import type { ClusterCase, ClusterFigures, ClusterTrial } from './cases.js'
import type { StarName } from './contenders.js'
import { measureDials, measureRoundTrips } from './delays.js'
import { measureRegistry } from './registry.js'
import { measureRelay } from './relay.js'

await serveTrial<ClusterCase, StarName, ClusterFigures>(measure, 'it cannot do that')

function measure({ case: of, ...trial }: ClusterTrial): Promise<ClusterFigures> {
  switch (of.kind) {
    case 'relay':
      return measureRelay(of, trial)
    case 'round-trip':
      return measureRoundTrips(trial)
    case 'dial':
      return measureDials(trial)
    case 'registry':
      return measureRegistry(of)
  }
}
