import { sizeName } from '../cases.js'
import type { Result } from '../schedule.js'
import type { Trial } from '../trial.js'
import type { PagePeerName } from './contenders.js'
import type { JoinCase, JoinFigures } from './join.js'
import type { PageTransferCase, PageTransferFigures } from './transfer.js'

/** What peers in pages are made to do. */
export type PageCase = PageTransferCase | JoinCase

export type PageFigures = PageTransferFigures | JoinFigures

export type PageTrial = Trial<PageCase, PagePeerName>

export type PageResult = Result<PageCase, PagePeerName, PageFigures>

export function pageCaseName(of: PageCase): string {
  return of.kind === 'transfer' ? sizeName(of.size) : of.kind
}
