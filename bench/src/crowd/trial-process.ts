/** Runs one trial of `bench peers`. */
import type { RunningServer } from '../servers/server.js'
import { startServer } from '../servers/server.js'
import { profileFlags, serveTrial, Skipped } from '../trial.js'
import { connectionsOf, type CrowdCase, type CrowdFigures, type CrowdTrial } from './cases.js'
import { CROWD_SERVERS, isChallenged, type CrowdServer } from './contenders.js'
import { JoinError } from './crowd-peer.js'
import { measureIdle } from './idle.js'
import { measureJoins } from './joins.js'
import { measureNewcomers } from './newcomer.js'
import { hasRoomFor, openFileLimit } from './open-files.js'
import { measureRounds } from './rounds.js'
import { measureStorm } from './storm.js'

await serveTrial<CrowdCase, CrowdServer, CrowdFigures>(async (trial) => {
  if (!hasRoomFor(connectionsOf(trial.case))) {
    throw new Skipped(`only ${openFileLimit()} files may be open here: raise \`ulimit -n\``)
  }
  const command = await CROWD_SERVERS[trial.contender].command(trial.case)
  const server = await startServer(command, profileFlags(trial.profiles, 'server'))
  try {
    return await measure(trial, server)
  } catch (error) {
    // Nothing else can be said of a server that no longer answers; of this one it would be a defect.
    if (trial.contender === 'legacy' && error instanceof JoinError) throw new Skipped(error.message, { cause: error })
    throw error
  } finally {
    await server.stop()
  }
}, 'it cannot do that')

function measure({ case: of, contender, seconds }: CrowdTrial, server: RunningServer): Promise<CrowdFigures> {
  const challenge = isChallenged(contender, of)
  switch (of.kind) {
    case 'idle':
      return measureIdle(server, of, challenge, seconds)
    case 'rounds':
      return measureRounds(server, of, challenge)
    case 'join':
      return measureJoins(server, of, challenge)
    case 'storm':
      return measureStorm(server, of, challenge)
    case 'newcomer':
      return measureNewcomers(server, of, challenge)
  }
}
