/** Runs one trial of `bench client`. */
import { measureTransfer } from '../end-to-end/transfer.js'
import { serveTrial } from '../trial.js'
import type { ClientCase, ClientFigures, ClientTrial } from './cases.js'
import { CLIENTS, type ClientName } from './contenders.js'
import { measureMemory } from './memory.js'
import { measureRestart } from './restart.js'

await serveTrial<ClientCase, ClientName, ClientFigures>(measure, 'it cannot do that')

function measure({ case: of, ...trial }: ClientTrial): Promise<ClientFigures> {
  switch (of.kind) {
    case 'transfer':
      return measureTransfer(CLIENTS[trial.contender], of, trial)
    case 'memory':
      return measureMemory(of, trial)
    case 'restart':
      return measureRestart(of, trial)
  }
}
