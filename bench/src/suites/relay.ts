import { libp2pNode } from '../contenders/libraries/libp2p-modules.js'
import { circuitRelay, forwarder, hasBufferutil, legacyServer, openStarServer } from '../contenders/servers/commands.js'
import { onServer, type ServerContender } from '../contenders/servers/contender.js'
import type { CaseOf } from '../harness/measure.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned, type Scale } from '../harness/suite.js'
import { circuitSenders } from '../loads/sockets/circuit-sender.js'
import { measureDials } from '../loads/sockets/dials.js'
import { measureLatency } from '../loads/sockets/latency.js'
import { measureMemory } from '../loads/sockets/memory.js'
import { measureThroughput, type ThroughputCase, type ThroughputFigures } from '../loads/sockets/throughput.js'
import { barChart } from '../report/bar-chart.js'
import { figure, ratio, sizeName, table, type Column } from '../report/table.js'

type Name = 'ours' | 'ours-js' | 'legacy' | 'forwarder' | 'circuit'
type Planning = Planned<Name, RelayCase>
type RelayCase = CaseOf<typeof MEASURES>
type RelayResults = Results<Name, typeof MEASURES>
type Throughput = ReturnType<typeof throughputOf>[number]

const KIB = 1024
const MB = 1e6
const PAIRS = [1, 50]
const MODES = ['bursts', 'singles', 'lockstep'] as const
const SMALL = 100
/** The size whose cost depends most on how payloads are unmasked. */
const LARGE = 64 * KIB
const PAYLOADS = [SMALL, KIB, 16 * KIB, LARGE]
/** From this payload on, bytes cost more than messages do. */
const HEAVY = 16 * KIB
const QUICK: readonly Omit<ThroughputCase, 'kind'>[] = [
  { payload: SMALL, pairs: 1, mode: 'bursts' },
  { payload: SMALL, pairs: 1, mode: 'lockstep' },
  { payload: SMALL, pairs: 50, mode: 'bursts' },
  { payload: LARGE, pairs: 1, mode: 'bursts' }
]
const STARS: readonly Name[] = ['ours', 'legacy']
const RELAYS: readonly Name[] = [...STARS, 'forwarder']
/** Cases that are long, and vary little. */
const MEMORY_RUNS = 3
const DIALS_RUNS = 1
/** Milliseconds per dial. */
const DIAL_TIME = 3
/** A server that used less of a core than this was not what limited the rate. */
const SATURATED = 0.85

const CONTENDERS: Readonly<Record<Name, ServerContender>> = {
  ours: { title: 'this server', command: openStarServer },
  'ours-js': {
    title: 'this server without bufferutil',
    command: () => ({ ...openStarServer(), env: { WS_NO_BUFFER_UTIL: '1' } })
  },
  legacy: { title: 'legacy server 0.4.1', command: () => legacyServer() },
  forwarder: { title: 'plain `ws` forwarder', command: forwarder },
  circuit: {
    title: 'js-libp2p circuit relay',
    command: async () => ({ ...(await circuitRelay()), openSender: circuitSenders }),
    node: libp2pNode
  }
}

// The keys of the table are their names.
const NAMES = Object.keys(CONTENDERS) as Name[]

const MEASURES = {
  throughput: onServer(measureThroughput),
  latency: onServer(measureLatency),
  memory: onServer(measureMemory),
  dials: onServer(measureDials)
}

export const relay = defineSuite({
  name: 'relay',
  about: 'the relaying of this server beside the legacy one, a plain ws forwarder and a js-libp2p circuit relay.',
  examples: 'such as 100B, 64KiB/50, singles, latency, memory, dials',
  contenders: CONTENDERS,
  measures: MEASURES,
  nameOf,
  plan,
  tables,
  chart,
  profiled: {
    cases: [100, LARGE].map((payload) => ({ kind: 'throughput', payload, pairs: 1, mode: 'bursts' }) as const),
    contender: 'ours',
    roles: () => ['server']
  },
  hasLong: true,
  extraTime: (of) => (of.kind === 'dials' ? of.count * DIAL_TIME : 0)
})

function nameOf(of: RelayCase): string {
  switch (of.kind) {
    case 'throughput':
      return `${sizeName(of.payload)}/${of.pairs}/${of.mode}`
    case 'latency':
      return `latency/${of.perSecond}`
    case 'memory':
      return `memory/${of.sender}`
    case 'dials':
      return `dials/${of.count}`
  }
}

function plan({ quick, long }: Scale): Planning[] {
  const pushed = { kind: 'memory', bytes: 400_000_000, patience: quick ? 1 : 20 } as const
  const count = long ? 1_000_000 : quick ? 5_000 : 100_000
  return [
    ...throughputCases(quick),
    { case: { kind: 'latency', perSecond: 1000 }, contenders: RELAYS },
    { case: { ...pushed, sender: 'legacy' }, contenders: RELAYS, runs: MEMORY_RUNS },
    { case: { ...pushed, sender: 'windowed' }, contenders: ['ours'], runs: MEMORY_RUNS },
    { case: { kind: 'dials', count }, contenders: quick ? ['ours'] : STARS, runs: DIALS_RUNS }
  ]
}

function throughputCases(quick: boolean): Planning[] {
  const every = PAYLOADS.flatMap((payload) => PAIRS.flatMap((pairs) => MODES.map((mode) => ({ payload, pairs, mode }))))
  return (quick ? QUICK : every).map(({ payload, pairs, mode }) => {
    const contenders = [...RELAYS]
    if (payload === LARGE && !quick && hasBufferutil()) contenders.push('ours-js')
    // It carries bytes, not messages: there is nothing to gain from more cases.
    const isForCircuit = pairs === 1 && mode === 'bursts' && (payload === LARGE || (payload === SMALL && !quick))
    if (isForCircuit) contenders.push('circuit')
    return { case: { kind: 'throughput', payload, pairs, mode }, contenders }
  })
}

function throughputOf(results: RelayResults) {
  return results.medians('throughput')
}

function tables(results: RelayResults): string[] {
  const throughput = throughputOf(results)
  const large = throughput.filter(({ of }) => of.payload >= HEAVY)
  return [
    compare('Server CPU per message, in µs', throughput, 'cpuPerMessage', 'cost'),
    compare('Server CPU per gigabyte of payload, in s', large, 'cpuPerGB', 'cost'),
    callsTable(throughput),
    compare('Messages per second', throughput, 'messagesPerSecond', 'rate'),
    compare('Megabytes per second', large, 'megabytesPerSecond', 'rate'),
    compare('Peak resident memory of the server, in MB', throughput, 'peakRss', 'cost', MB),
    table(
      'One way through the server at 1,000 messages of 100 B per second, in ms',
      results.rows('latency'),
      [
        ['', ({ title }) => title],
        ['p50', ({ found }) => found.p50],
        ['p99', ({ found }) => found.p99],
        ['p50 added', ({ found }) => found.p50 - found.directP50],
        ['p99 added', ({ found }) => found.p99 - found.directP99]
      ],
      '"Added" is the difference to a direct TCP connection of the same process at the same rate.'
    ),
    table('400 MB for a receiver that does not read', results.rows('memory'), [
      ['', ({ title, of }) => `${title}, ${of.sender} sender`],
      ['taken, MB', ({ found }) => found.taken / MB],
      ['RSS growth, MB', ({ found }) => found.growth / MB],
      ['until then, s', ({ found }) => found.seconds],
      ['other pair p50, ms', ({ found }) => found.witnessP50],
      ['other pair p99, ms', ({ found }) => found.witnessP99]
    ]),
    table('Dials, some refused, some broken off', results.rows('dials'), [
      ['', ({ title }) => title],
      ['dials', ({ found }) => found.dials],
      ['CPU per dial, µs', ({ found }) => found.cpuPerDial],
      ['heap early, MB', ({ found }) => `${figure(found.heapEarly / MB)} (after ${figure(found.early)})`],
      ['heap at the end, MB', ({ found }) => found.heapLate / MB],
      ['bytes kept per dial', ({ found }) => ((found.heapLate - found.heapEarly) / (found.dials - found.early)) | 0]
    ])
  ]
}

/** Compares one figure of all throughput cases, with ratios that are above 1 where this server is the better one. */
function compare(
  title: string,
  rows: readonly Throughput[],
  key: keyof ThroughputFigures,
  better: 'cost' | 'rate',
  unit = 1
): string {
  const others = has(rows, 'ours') ? (['legacy', 'forwarder'] as const).filter((name) => has(rows, name)) : []
  const isLow = (found: ThroughputFigures) => better === 'rate' && found.serverBusy < SATURATED
  const isAnyLow = rows.some(({ found }) => [...found.values()].some(isLow))
  const note = '† The server was not busy all the time: the load, or the machine, set the rate.'
  return throughputTable(
    title,
    rows,
    (found) => figure(found[key] / unit, isLow(found) ? '†' : ''),
    others.map((name) => [
      `ours against ${name}`,
      ({ found }) => {
        const [ours, other] = [found.get('ours')?.[key], found.get(name)?.[key]]
        return better === 'cost' ? ratio(other, ours) : ratio(ours, other)
      }
    ]),
    isAnyLow ? note : ''
  )
}

function callsTable(rows: readonly Throughput[]): string {
  return throughputTable(
    'Reads and writes of the server per message',
    rows,
    ({ readsPerMessage, writesPerMessage }) => `${figure(readsPerMessage)} + ${figure(writesPerMessage)}`
  )
}

/** Returns a table with a row for each case, and a column for each contender that was measured. */
function throughputTable(
  title: string,
  rows: readonly Throughput[],
  cellOf: (found: ThroughputFigures) => string,
  more: readonly Column<Throughput>[] = [],
  note = ''
): string {
  const names = NAMES.filter((name) => has(rows, name))
  const columns = names.map((name): Column<Throughput> => [
    CONTENDERS[name].title,
    ({ found }) => {
      const figures = found.get(name)
      return figures && cellOf(figures)
    }
  ])
  return table(title, rows, [['payload/pairs/writes', ({ of }) => nameOf(of)], ...columns, ...more], note)
}

function has(rows: readonly Throughput[], name: Name): boolean {
  return rows.some(({ found }) => found.has(name))
}

/** Draws the cases most people ask about: one pair, many messages per write. */
function chart(results: RelayResults): string {
  const panel = (title: string, payload: number, key: keyof ThroughputFigures) => {
    const isDrawn = ({ of }: Throughput) => of.payload === payload && of.pairs === 1 && of.mode === 'bursts'
    const found = throughputOf(results).find(isDrawn)?.found ?? []
    const bars = [...found].map(([name, figures]) => ({
      label: CONTENDERS[name].title.replaceAll('`', ''),
      value: figures[key],
      isOurs: name === 'ours'
    }))
    return { title, bars }
  }
  return barChart('Server CPU of relaying, side by side; shorter is better', [
    panel('µs of server CPU per message of 100 B', 100, 'cpuPerMessage'),
    panel('s of server CPU per GB in messages of 64 KiB', LARGE, 'cpuPerGB')
  ])
}
