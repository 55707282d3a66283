import type { NodeContender } from '../contenders/libraries/contender.js'
import { libp2pModules, libp2pNode } from '../contenders/libraries/libp2p-modules.js'
import type { Way } from '../contenders/libraries/libp2p-node.js'
import { circuitRelay, starServer } from '../contenders/servers/commands.js'
import type { CaseOf } from '../harness/measure.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned } from '../harness/suite.js'
import { measureDial, measureDiscovery } from '../loads/end-to-end/nodes.js'
import { measureTransfer } from '../loads/end-to-end/transfer.js'
import { ratio, sizeName, table } from '../report/table.js'
import { relayNote, transferTable } from './transfer-table.js'

type Libp2pCase = CaseOf<typeof MEASURES>

const DIALS = 50
const DISCOVERIES = 10
const modules = libp2pModules

/** All are nodes of js-libp2p, of the same versions and on the same Node. */
const CONTENDERS: Readonly<Record<Way, NodeContender>> = {
  star: { title: 'this transport, this server', library: 'star', modules, server: starServer },
  circuit: { title: 'circuit relay', library: 'circuit', modules, server: circuitRelay },
  websockets: { title: 'direct WebSocket', library: 'websockets', modules }
}

const ALL = Object.keys(CONTENDERS) as Way[] // the keys of the table are their names

const MEASURES = { transfer: measureTransfer, dial: measureDial, discovery: measureDiscovery }

const LARGE_WRITES: Libp2pCase = { kind: 'transfer', size: 65_536, delay: 0 }

export const libp2p = defineSuite({
  name: 'libp2p',
  about: "two nodes of js-libp2p over this repository's transport, a circuit relay, and WebSockets alone.",
  examples: '64KiB, dial, discovery',
  contenders: CONTENDERS,
  measures: MEASURES,
  node: libp2pNode,
  nameOf: (of) => (of.kind === 'transfer' ? sizeName(of.size) : of.kind),
  plan: (): Planned<Way, Libp2pCase>[] => [
    { case: LARGE_WRITES, contenders: ALL },
    { case: { kind: 'dial', count: DIALS }, contenders: ALL },
    // Nothing of a relay, or of WebSockets, tells of nodes that have come.
    { case: { kind: 'discovery', count: DISCOVERIES }, contenders: ['star'] }
  ],
  tables,
  profiled: {
    cases: [LARGE_WRITES],
    contender: 'star',
    roles: (way) => (way === 'websockets' ? ['sender', 'receiver'] : ['sender', 'server', 'receiver'])
  }
})

function tables(results: Results<Way, typeof MEASURES>): string[] {
  const [transfers, dials] = [results.rows('transfer'), results.rows('dial')]
  const star = dials.find(({ name }) => name === 'star')?.found.p50
  return [
    transferTable(transfers, 'star', relayNote(transfers, ['star', 'circuit'], '')),
    table('From dialling a protocol to the first byte back, in ms', dials, [
      ['', ({ title }) => title],
      ['p50', ({ found }) => found.p50],
      ['p90', ({ found }) => found.p90],
      ['star against it', ({ found }) => ratio(found.p50, star)]
    ]),
    table('From making a node to its discovery by another, in ms', results.rows('discovery'), [
      ['', ({ title }) => title],
      ['p50', ({ found }) => found.p50],
      ['longest of ten', ({ found }) => found.max]
    ])
  ]
}
