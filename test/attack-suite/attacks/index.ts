import type { Attack } from './attack.js'
import { BACKLOGS } from './backlogs.js'
import { CONNECTIONS } from './connections.js'
import { DIALS } from './dials.js'
import { FRAGMENTS } from './fragments.js'
import { JOINS } from './joins.js'
import { MESSAGES } from './messages.js'
import { PACKETS } from './packets.js'

/** No attack: what the same figures are without one. */
const BASELINE: Attack = { name: 'baseline', about: 'nothing', run: async () => {} }

export const ATTACKS: readonly Attack[] = [
  BASELINE,
  ...MESSAGES,
  ...FRAGMENTS,
  ...BACKLOGS,
  ...DIALS,
  ...JOINS,
  ...CONNECTIONS,
  ...PACKETS
]
