import { parseOptions, UsageError } from './options.js'
import type { PageCase, PageFigures } from './pages/cases.js'
import { chromiumExecutable } from './pages/chromium.js'
import { PAGE_PEER_NAMES, type PagePeerName } from './pages/contenders.js'
import { LARGE_WRITES, PAGES, planOf } from './pages/plan.js'
import { pageTablesOf } from './pages/tables.js'
import { LIBP2P_NODE } from './libp2p/modules.js'
import { profile } from './profile.js'
import { publish } from './report/publish.js'
import { runAll } from './schedule.js'
import { nodeOf, versionOf } from './servers/installation.js'

/** `bench pages`: measures, and prints and writes what came out. */
export async function benchPages(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, PAGE_PEER_NAMES)
  if (options.long) throw new UsageError('--long is for bench relay: bench pages has no dials to count')
  const chromium = await versionOf(chromiumExecutable())
  if (options.profile) return profile(PAGES, options.only[0] ?? 'client', [LARGE_WRITES], ['server'], options.seconds)
  const results = await runAll<PageCase, PagePeerName, PageFigures>(PAGES, planOf(options), options)
  const node = await versionOf(await nodeOf(LIBP2P_NODE))
  const tables = `Pages in ${chromium}.\n\n${pageTablesOf(results)}`
  publish({ name: 'pages', args, options, nameOf: PAGES.nameOf, results, node, tables })
}
