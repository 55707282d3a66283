import { sizeName } from '../cases.js'
import type { TransferCase, TransferFigures } from '../end-to-end/transfer.js'
import type { Way } from '../peers/libp2p-node.js'
import type { Result } from '../schedule.js'
import type { Trial } from '../trial.js'
import type { DialCase, DialFigures } from './dial.js'
import type { DiscoveryCase, DiscoveryFigures } from './discovery.js'

/** What nodes of js-libp2p are made to do. */
export type Libp2pCase = TransferCase | DialCase | DiscoveryCase

export type Libp2pFigures = TransferFigures | DialFigures | DiscoveryFigures

export type Libp2pTrial = Trial<Libp2pCase, Way>

export type Libp2pResult = Result<Libp2pCase, Way, Libp2pFigures>

export function libp2pCaseName(of: Libp2pCase): string {
  return of.kind === 'transfer' ? sizeName(of.size) : of.kind
}
