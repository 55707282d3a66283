import { CONTENDERS, OURS } from '../servers/contenders.js'
import type { ServerCommand } from '../servers/server.js'
import type { CrowdCase } from './cases.js'

export type CrowdServer = 'ours' | 'legacy'

interface CrowdContender {
  title: string
  command: (of: CrowdCase) => Promise<ServerCommand>
  /** The node that server and load need, if any will not do. */
  node?: () => Promise<string>
}

/** What is measured, in the order of rows. */
export const CROWD_SERVERS: Readonly<Record<CrowdServer, CrowdContender>> = {
  ours: { title: CONTENDERS.ours.title, command: ours },
  legacy: { title: CONTENDERS.legacy.title, command: legacy }
}

// The keys of the table are their names.
export const CROWD_SERVER_NAMES = Object.keys(CROWD_SERVERS) as CrowdServer[]

/** The switch that CONTENDERS has on, for what it measures are streams. */
const LEGACY_WITHOUT_CHALLENGE = '--disableCryptoChallenge'

/** Whether peers have to sign. What costs the legacy server most is not that: it is spared it where the case allows. */
export function isChallenged(name: CrowdServer, of: CrowdCase): boolean {
  return of.kind === 'join' ? of.key !== 'none' : name === 'ours'
}

/** With default limits, but for what a case is about. */
async function ours(of: CrowdCase): Promise<ServerCommand> {
  const args = [OURS, '--port', '0', '--host', '127.0.0.1', '--log-level', 'error']
  if (!isChallenged('ours', of)) args.push('--disable-crypto-challenge')
  // Joins are to be counted alone: the legacy server's first announcements come ten seconds later.
  if (of.kind === 'join') args.push('--discovery-interval', '600000')
  if (of.kind === 'rounds') {
    args.push('--discovery-interval', String(of.interval), '--discovery-max-bytes-per-second', '1000000000')
  }
  return { args }
}

async function legacy(of: CrowdCase): Promise<ServerCommand> {
  const command = await CONTENDERS.legacy.command()
  if (!isChallenged('legacy', of)) return command
  return { ...command, args: command.args.filter((arg) => arg !== LEGACY_WITHOUT_CHALLENGE) }
}
