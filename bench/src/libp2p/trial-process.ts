/** Runs one trial of `bench libp2p`. */
import { measureTransfer } from '../end-to-end/transfer.js'
import type { Way } from '../peers/libp2p-node.js'
import { serveTrial } from '../trial.js'
import type { Libp2pCase, Libp2pFigures, Libp2pTrial } from './cases.js'
import { WAYS } from './contenders.js'
import { measureDial } from './dial.js'
import { measureDiscovery } from './discovery.js'

await serveTrial<Libp2pCase, Way, Libp2pFigures>(measure, 'it cannot do that')

function measure({ case: of, ...trial }: Libp2pTrial): Promise<Libp2pFigures> {
  switch (of.kind) {
    case 'transfer':
      return measureTransfer(WAYS[trial.contender], of, trial)
    case 'dial':
      return measureDial(of, trial)
    case 'discovery':
      return measureDiscovery(of, trial)
  }
}
