import { describe } from 'vitest'
import { agreementSuite } from './agreement.js'
import { claimsSuite } from './claims.js'
import type { BackplaneKind } from './kind.js'
import { linksSuite } from './links.js'

/** What a server relies on, whatever is between it and the others: the same for every implementation of `Backplane`. */
export function conformanceSuite(kind: BackplaneKind): void {
  describe('claims', () => {
    claimsSuite(kind)
  })
  describe('links', () => {
    linksSuite(kind)
  })
  describe('agreement', () => {
    agreementSuite(kind)
  })
}
