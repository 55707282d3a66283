/** Runs one trial of `bench pages`. */
import { serveTrial } from '../trial.js'
import type { PageCase, PageFigures, PageTrial } from './cases.js'
import type { PagePeerName } from './contenders.js'
import { measureJoin } from './join.js'
import { measurePageTransfer } from './transfer.js'

await serveTrial<PageCase, PagePeerName, PageFigures>(measure, 'it cannot do that')

function measure({ case: of, ...trial }: PageTrial): Promise<PageFigures> {
  switch (of.kind) {
    case 'transfer':
      return measurePageTransfer(of, trial)
    case 'join':
      return measureJoin(of, trial)
  }
}
