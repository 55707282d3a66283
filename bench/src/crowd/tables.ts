import { mediansOf } from '../report/summary.js'
import { figure, markdownTable } from '../report/table.js'
import type { CrowdCase, CrowdFiguresOf, CrowdResult } from './cases.js'
import { CROWD_SERVER_NAMES, CROWD_SERVERS, type CrowdServer } from './contenders.js'

const KB = 1e3
const MB = 1e6
/** V8's young generation takes or gives back up to 32 MB when it likes: divided by fewer peers that means nothing. */
const MANY = 1000

/** The medians of one case and one server. */
export interface CrowdRow<Kind extends CrowdCase['kind']> {
  case: CrowdCase & { kind: Kind }
  server: CrowdServer
  of: CrowdFiguresOf[Kind]
}

/** All results as markdown, a section per question. */
export function crowdTablesOf(results: readonly CrowdResult[]): string {
  const sections = [
    idleTable(results),
    joinsTable(results),
    stormTable(results),
    roundsTable(results),
    newcomerTable(results),
    results.flatMap(({ remarks }) => remarks.map((remark) => `- ${remark}`)).join('\n')
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

export function crowdRowsOf<Kind extends CrowdCase['kind']>(
  results: readonly CrowdResult[],
  kind: Kind
): CrowdRow<Kind>[] {
  return results.flatMap(({ entry, figures }) => {
    if (entry.case.kind !== kind) return []
    const of = entry.case as CrowdCase & { kind: Kind } // as was looked at
    const medians = mediansOf<CrowdServer, CrowdFiguresOf[Kind]>(CROWD_SERVER_NAMES, figures)
    return [...medians].map(([server, found]) => ({ case: of, server, of: found }))
  })
}

function idleTable(results: readonly CrowdResult[]): string {
  const rows = crowdRowsOf(results, 'idle')
  const body = CROWD_SERVER_NAMES.flatMap((name) =>
    rows
      .filter(({ server }) => server === name)
      .map(({ case: { peers }, of }) => [
        `${CROWD_SERVERS[name].title}, ${figure(peers)} peers`,
        figure(of.cpu),
        figure(of.rss / MB),
        ...[of.rssPerPeer, of.rssPerPeerCollected].map((rss) => figure(peers < MANY ? undefined : rss / KB)),
        figure(of.heapPerPeer / KB),
        figure(of.announcements),
        figure(of.bytesPerSecond / MB),
        figure(of.lost),
        figure(of.joined)
      ])
  )
  const head = [
    '',
    'CPU, % of a core',
    'RSS, MB',
    'RSS per peer, kB',
    'collected, kB',
    'heap per peer, kB',
    'announcements per peer and interval',
    'MB sent per second',
    'connections lost',
    'until all had joined, s'
  ]
  return section('Idle peers that hear of each other', head, body)
}

function joinsTable(results: readonly CrowdResult[]): string {
  const rows = crowdRowsOf(results, 'join')
  const found = (server: CrowdServer, key: string, stay: boolean) =>
    rows.find((row) => row.server === server && row.case.key === key && row.case.stay === stay)?.of
  const kinds = new Set(rows.map(({ case: of }) => of.key))
  const body = [...kinds].flatMap((key) =>
    CROWD_SERVER_NAMES.flatMap((server) => {
      const [stay, leave] = [found(server, key, true), found(server, key, false)]
      const joins = (stay ?? leave)?.joins
      if (joins === undefined) return []
      const how = key === 'none' ? 'no challenge' : key
      return [
        [
          `${CROWD_SERVERS[server].title}, ${how}, ${figure(joins)} joins`,
          figure(leave?.cpuPerJoin),
          figure(stay?.cpuPerJoin)
        ]
      ]
    })
  )
  return section('Server CPU per join, in ms', ['', 'each leaves again', 'all stay, and hear of each other'], body)
}

function stormTable(results: readonly CrowdResult[]): string {
  const body = crowdRowsOf(results, 'storm').map(({ server, case: { peers }, of }) => [
    `${CROWD_SERVERS[server].title}, ${figure(peers)} peers`,
    figure(of.half),
    figure(of.all),
    figure(of.timedOut),
    `${figure(of.refused)} + ${figure(of.broken)}`,
    figure(of.missing),
    figure(of.rss / MB),
    figure(of.peakRss / MB),
    figure(of.cpu),
    figure(of.quietP99),
    figure(of.stormP99),
    figure(of.stormMax)
  ])
  const head = [
    '',
    'until half are back, s',
    'until all are, s',
    'attempts timed out',
    'refused + broken',
    'peers missing',
    'RSS before, MB',
    'peak RSS, MB',
    'server CPU, s',
    'relayed message before, p99, ms',
    'meanwhile, p99, ms',
    'longest, ms'
  ]
  return section('All connections break, and all peers come back at once', head, body)
}

function roundsTable(results: readonly CrowdResult[]): string {
  const body = crowdRowsOf(results, 'rounds').map(({ server, case: { peers }, of }) => [
    `${CROWD_SERVERS[server].title}, ${figure(peers)} peers`,
    figure(of.rounds),
    figure(of.first)
  ])
  const head = ['', 'rounds', 'known after the first, %']
  return section('Rounds of announcements until every peer has heard of every other', head, body)
}

function newcomerTable(results: readonly CrowdResult[]): string {
  const body = crowdRowsOf(results, 'newcomer').map(({ server, case: { peers, newcomers }, of }) => [
    `${CROWD_SERVERS[server].title}, ${figure(peers)} peers, ${newcomers} newcomers`,
    figure(of.half),
    figure(of.median),
    figure(of.max)
  ])
  const head = ['', 'until half know, ms', 'until all do, median, ms', 'longest, ms']
  return section('Until a crowd knows of a newcomer', head, body)
}

function section(title: string, head: readonly string[], body: readonly (readonly string[])[]): string {
  return body.length === 0 ? '' : `### ${title}\n\n${markdownTable(head, body)}`
}
