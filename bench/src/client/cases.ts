import { sizeName } from '../cases.js'
import type { TransferCase, TransferFigures } from '../end-to-end/transfer.js'
import type { Result } from '../schedule.js'
import type { Trial } from '../trial.js'
import type { ClientName } from './contenders.js'
import type { MemoryCase, MemoryFigures } from './memory.js'
import type { RestartCase, RestartFigures } from './restart.js'

/** What clients are made to do. */
export type ClientCase = TransferCase | MemoryCase | RestartCase

export type ClientFigures = TransferFigures | MemoryFigures | RestartFigures

export type ClientTrial = Trial<ClientCase, ClientName>

export type ClientResult = Result<ClientCase, ClientName, ClientFigures>

export function clientCaseName(of: ClientCase): string {
  switch (of.kind) {
    case 'transfer':
      return of.delay === 0 ? sizeName(of.size) : `delay/${of.delay}ms`
    case 'memory':
      return `memory/${of.receiver}`
    case 'restart':
      return `restart/${of.clients}`
  }
}
