import { CLIENT_NAMES } from './client/contenders.js'
import { CLIENT, LARGE_WRITES, planOf, SMALL_WRITES } from './client/plan.js'
import { clientTablesOf } from './client/tables.js'
import type { ClientCase, ClientFigures } from './client/cases.js'
import type { ClientName } from './client/contenders.js'
import { parseOptions, UsageError } from './options.js'
import { profile } from './profile.js'
import { publish } from './report/publish.js'
import { runAll } from './schedule.js'

const PROFILED = [LARGE_WRITES, SMALL_WRITES]
const ROLES = ['sender', 'server', 'receiver']

/** `bench client`: measures, and prints and writes what came out. */
export async function benchClient(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, CLIENT_NAMES)
  if (options.long) throw new UsageError('--long is for bench relay: bench client has no dials to count')
  if (options.profile) return profile(CLIENT, options.only[0] ?? 'ours', PROFILED, ROLES, options.seconds)
  const results = await runAll<ClientCase, ClientName, ClientFigures>(CLIENT, planOf(options), options)
  publish({ name: 'client', args, options, nameOf: CLIENT.nameOf, results, tables: clientTablesOf(results) })
}
