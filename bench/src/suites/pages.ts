import { browserExecutable } from '@websocket-star/testkit/browsers'
import { versionOf } from '@websocket-star/testkit/processes'
import { libp2pNode } from '../contenders/libraries/libp2p-modules.js'
import { circuitRelay, starServer } from '../contenders/servers/commands.js'
import type { CaseOf } from '../harness/measure.js'
import { UsageError } from '../harness/options.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned } from '../harness/suite.js'
import { measureJoin } from '../loads/pages/join.js'
import type { PageContender } from '../loads/pages/stage.js'
import { measurePageTransfer } from '../loads/pages/transfer.js'
import { ratio, sizeName, table } from '../report/table.js'
import { relayNote } from './transfer-table.js'

type Name = 'client' | 'libp2p' | 'circuit'
type PageCase = CaseOf<typeof MEASURES>

const JOINS = 10

const CONTENDERS: Readonly<Record<Name, PageContender>> = {
  client: { title: 'this client, this server', library: 'ours', server: starServer },
  libp2p: { title: 'js-libp2p, this transport and server', library: 'star', server: starServer },
  circuit: { title: 'js-libp2p, circuit relay', library: 'circuit', server: circuitRelay }
}

const MEASURES = { transfer: measurePageTransfer, join: measureJoin }

const LARGE_WRITES: PageCase = { kind: 'transfer', size: 65_536 }

export const pages = defineSuite({
  name: 'pages',
  about: 'two pages of one Chromium (CHROMIUM=<path>, or the one that is installed): the client, and libp2p over both.',
  examples: '64KiB, join',
  contenders: CONTENDERS,
  measures: MEASURES,
  // Of the servers, and so the same for all.
  node: libp2pNode,
  preface: async () => `Pages in ${await versionOf(chromium())}.`,
  nameOf: (of) => (of.kind === 'transfer' ? sizeName(of.size) : of.kind),
  plan: (): Planned<Name, PageCase>[] => [
    { case: LARGE_WRITES, contenders: ['client', 'libp2p', 'circuit'] },
    // A relay tells nobody of anybody, and how soon a node of js-libp2p is discovered is in the figures of bench libp2p.
    { case: { kind: 'join', count: JOINS }, contenders: ['client'] }
  ],
  tables,
  profiled: { cases: [LARGE_WRITES], contender: 'client', roles: () => ['server'] }
})

/** @throws {UsageError} that says how to get one, if there is none */
function chromium(): string {
  try {
    return browserExecutable('chromium')
  } catch (cause) {
    throw new UsageError(`bench pages needs Chromium. ${(cause as Error).message}`, { cause })
  }
}

function tables(results: Results<Name, typeof MEASURES>): string[] {
  const transfers = results.rows('transfer')
  const base = transfers.find(({ name }) => name === 'client')?.found.megabytesPerSecond
  const joins = results.rows('join').flatMap(({ title, found }) => [
    { title: `${title}, in a fresh page`, p50: found.freshP50, max: found.freshMax },
    { title: `${title}, again in that page`, p50: found.againP50, max: found.againMax }
  ])
  return [
    table(
      `From page to page, writes of 64 KiB`,
      transfers,
      [
        ['', ({ title }) => title],
        ['MB per second', ({ found }) => found.megabytesPerSecond],
        ['client against it', ({ found }) => ratio(base, found.megabytesPerSecond)],
        ['server CPU, s per GB', ({ found }) => found.serverCpu]
      ],
      relayNote(transfers, ['libp2p', 'circuit'], ' for the same nodes')
    ),
    table('From making a client in a page to the first peer it sees, in ms', joins, [
      ['', ({ title }) => title],
      ['p50', ({ p50 }) => p50],
      ['longest of ten', ({ max }) => max]
    ])
  ]
}
