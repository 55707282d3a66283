import { describe } from 'vitest'
import { agreementSuite } from './agreement.js'
import { claimsSuite } from './claims.js'
import type { BackplaneKind } from './kind.js'
import { linksSuite } from './links.js'

/** Tests that every implementation of `Backplane` has to pass. */
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
