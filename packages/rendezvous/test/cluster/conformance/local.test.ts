import { LocalBackplane, LocalStar } from '../../../src/cluster/local-backplane.js'
import { conformanceSuite } from './suite.js'

conformanceSuite({
  hasWindow: false,
  async openStar() {
    const star = new LocalStar()
    return () => new LocalBackplane(star, 'node')
  }
})
