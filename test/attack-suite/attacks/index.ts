import type { Attack } from './attack.js'
import { BACKLOGS } from './backlogs.js'
import { BASELINES } from './baselines.js'
import { CONNECTIONS } from './connections.js'
import { DIALS } from './dials.js'
import { FRAGMENTS } from './fragments.js'
import { JOINS } from './joins.js'
import { MESSAGES } from './messages.js'
import { PACKETS } from './packets.js'

export const ATTACKS: readonly Attack[] = [
  ...BASELINES,
  ...MESSAGES,
  ...FRAGMENTS,
  ...BACKLOGS,
  ...DIALS,
  ...JOINS,
  ...CONNECTIONS,
  ...PACKETS
]
