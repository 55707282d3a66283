import type { CaseOf } from '../harness/measure.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned, type Scale } from '../harness/suite.js'
import { measureDials, measureRoundTrips, type DelayFigures } from '../loads/cluster/delays.js'
import { measureRegistry } from '../loads/cluster/registry.js'
import { measureRelay, type RelayCase } from '../loads/cluster/relay.js'
import type { StarContender } from '../loads/cluster/star.js'
import { figure, sizeName, table, type Column } from '../report/table.js'

type Name = 'one' | 'two'
type ClusterCase = CaseOf<typeof MEASURES>
type ClusterResults = Results<Name, typeof MEASURES>
type Relayed = ReturnType<typeof relayed>[number]

const MB = 1e6
/** Microseconds per byte, as seconds per GB. */
const SECONDS_PER_GB = 1000
/** From this size on, bytes cost more than messages do. */
const LARGE = 16 * 1024
const PEERS = 100_000
const QUICK_PEERS = 10_000
/** Of what is long, and varies little. */
const LONG_RUNS = 3

const LOADS: Readonly<Record<RelayCase['load'], string>> = { raw: 'raw frames', client: 'clients' }

const CONTENDERS: Readonly<Record<Name, StarContender>> = {
  one: { title: 'one node', nodes: ['node A'] },
  two: { title: 'two nodes', nodes: ['node A', 'node B'] }
}

const MEASURES = {
  relay: measureRelay,
  'round-trip': measureRoundTrips,
  dial: measureDials,
  registry: measureRegistry
}

const LARGE_MESSAGES: ClusterCase = { kind: 'relay', load: 'raw', size: 65_536 }
const CLIENT_MESSAGES: ClusterCase = { kind: 'relay', load: 'client', size: 65_536 }
const SMALL_MESSAGES: ClusterCase = { kind: 'relay', load: 'raw', size: 100 }

export const cluster = defineSuite({
  name: 'cluster',
  about: 'two nodes of this server over a redis-server, which has to be installed, beside one node alone.',
  examples: 'raw/64KiB, client/64KiB, raw/100B, round-trip, dial, registry',
  contenders: CONTENDERS,
  measures: MEASURES,
  nameOf: (of) => (of.kind === 'relay' ? `${of.load}/${sizeName(of.size)}` : of.kind),
  plan,
  tables,
  profiled: {
    cases: [LARGE_MESSAGES, CLIENT_MESSAGES, SMALL_MESSAGES],
    contender: 'two',
    roles: (name) => CONTENDERS[name].nodes
  }
})

function plan({ quick }: Scale): Planned<Name, ClusterCase>[] {
  const both: readonly ClusterCase[] = [
    LARGE_MESSAGES,
    CLIENT_MESSAGES,
    SMALL_MESSAGES,
    { kind: 'round-trip' },
    { kind: 'dial' }
  ]
  return [
    ...both.map((of): Planned<Name, ClusterCase> => ({ case: of, contenders: ['one', 'two'] })),
    { case: { kind: 'registry', peers: quick ? QUICK_PEERS : PEERS }, contenders: ['two'], runs: LONG_RUNS }
  ]
}

function tables(results: ClusterResults): string[] {
  const rows = relayed(results)
  const [large, small] = [rows.filter(({ of }) => of.size >= LARGE), rows.filter(({ of }) => of.size < LARGE)]
  const title: Column<Relayed> = ['', ({ of, title }) => `${LOADS[of.load]}, ${title}`]
  return [
    table('From node to node, messages of 64 KiB', large, [
      title,
      ['MB per second', ({ found }) => found.megabytesPerSecond],
      ...cpuColumns('s per GB', ({ of }) => SECONDS_PER_GB / of.size)
    ]),
    table('From node to node, messages of 100 B', small, [
      title,
      ['messages per second', ({ found }) => found.messagesPerSecond],
      ...cpuColumns('µs per message', () => 1)
    ]),
    delayTable(results),
    table('One registry of many peers', results.rows('registry'), [
      ['', ({ of }) => `${figure(of.peers)} peers`],
      ['until all are claimed, s', ({ found }) => found.claims],
      ['until another node knows them, s', ({ found }) => found.known],
      ['until a node that comes does, s', ({ found }) => found.snapshot],
      ['Redis CPU per peer, µs', ({ found }) => found.engineCpu],
      ['Redis memory, MB', ({ found }) => found.memory / MB],
      ['at most, MB', ({ found }) => found.peakMemory / MB],
      ['B per peer', ({ found }) => found.perPeer]
    ])
  ]
}

function relayed(results: ClusterResults) {
  return results.rows('relay')
}

function cpuColumns(unit: string, scale: (row: Relayed) => number): Column<Relayed>[] {
  return [
    [`node A, ${unit}`, (row) => row.found.nodeA * scale(row)],
    [`node B, ${unit}`, (row) => row.found.nodeB * scale(row)],
    [`Redis, ${unit}`, (row) => row.found.engine * scale(row)],
    [`together, ${unit}`, (row) => row.found.together * scale(row)]
  ]
}

function delayTable(results: ClusterResults): string {
  const rows = [
    ...results.medians('round-trip').map(({ found }) => ({ title: '1 KiB there and back', found })),
    ...results.medians('dial').map(({ found }) => ({ title: 'a dial, until it is answered', found }))
  ].map(({ title, found }) => ({ title, one: found.get('one'), two: found.get('two') }))
  const added = (key: keyof DelayFigures) => (row: (typeof rows)[number]) =>
    (row.two?.[key] ?? Number.NaN) - (row.one?.[key] ?? Number.NaN)
  return table('How long it takes when nothing else goes on, in ms', rows, [
    ['', ({ title }) => title],
    ['one node, p50', ({ one }) => one?.p50],
    ['p99', ({ one }) => one?.p99],
    ['two nodes, p50', ({ two }) => two?.p50],
    ['p99', ({ two }) => two?.p99],
    ['added, p50', added('p50')],
    ['p99', added('p99')]
  ])
}
