import type { PeerContender } from '../contenders/libraries/contender.js'
import { legacyClientModules } from '../contenders/libraries/legacy.js'
import { libp2pModules, libp2pNode } from '../contenders/libraries/libp2p-modules.js'
import { circuitRelay, legacyServer, starServer } from '../contenders/servers/commands.js'
import type { CaseOf } from '../harness/measure.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned, type Scale } from '../harness/suite.js'
import { measureRestart } from '../loads/end-to-end/restart.js'
import { measureTransfer, type TransferCase } from '../loads/end-to-end/transfer.js'
import { measureUnread } from '../loads/end-to-end/unread.js'
import { sizeName, table } from '../report/table.js'
import { CPU_COLUMNS, transferTable } from './transfer-table.js'

type Name = 'ours' | 'ours-whatwg' | 'legacy' | 'circuit'
type ClientCase = CaseOf<typeof MEASURES>

const KIB = 1024
const MB = 1e6
const OURS: readonly Name[] = ['ours']
/** Milliseconds, each way. */
const DELAYS = [50, 100]
const CLIENT_COUNT = 200
/** Cases that are long, and vary little. */
const LONG_RUNS = 3

const CONTENDERS: Readonly<Record<Name, PeerContender & Required<Pick<PeerContender, 'server'>>>> = {
  ours: { title: 'ours', library: 'ours', server: starServer },
  'ours-whatwg': { title: 'ours, WHATWG', library: 'ours-whatwg', server: starServer },
  legacy: {
    title: 'legacy client and server',
    library: 'legacy',
    server: () => legacyServer(),
    modules: legacyClientModules
  },
  circuit: {
    title: 'js-libp2p, circuit relay',
    library: 'circuit',
    server: circuitRelay,
    modules: libp2pModules,
    node: libp2pNode
  }
}

const ALL = Object.keys(CONTENDERS) as Name[] // the keys of the table are their names

const MEASURES = { transfer: measureTransfer, memory: measureUnread, restart: measureRestart }

const LARGE_WRITES: TransferCase = { kind: 'transfer', size: 64 * KIB, delay: 0 }
const SMALL_WRITES: TransferCase = { kind: 'transfer', size: 100, delay: 0 }

export const client = defineSuite({
  name: 'client',
  about: 'end to end, through the clients of this repository, of the legacy star, and of js-libp2p.',
  examples: 'such as 64KiB, 100B, delay, memory, restart',
  contenders: CONTENDERS,
  measures: MEASURES,
  nameOf,
  plan,
  tables,
  profiled: {
    cases: [LARGE_WRITES, SMALL_WRITES],
    contender: 'ours',
    roles: () => ['sender', 'server', 'receiver']
  }
})

function nameOf(of: ClientCase): string {
  switch (of.kind) {
    case 'transfer':
      return of.delay === 0 ? sizeName(of.size) : `delay/${of.delay}ms`
    case 'memory':
      return `memory/${of.receiver}`
    case 'restart':
      return `restart/${of.clients}`
  }
}

function plan({ quick }: Scale): Planned<Name, ClientCase>[] {
  const pushed = { kind: 'memory', bytes: 200_000_000, patience: quick ? 1 : 5 } as const
  const delayed = DELAYS.map((delay) => ({ kind: 'transfer', size: 64 * KIB, delay }) as const)
  return [
    { case: LARGE_WRITES, contenders: ALL },
    { case: SMALL_WRITES, contenders: ALL },
    ...delayed.map((of) => ({ case: of, contenders: OURS })),
    { case: { ...pushed, receiver: 'never' }, contenders: OURS, runs: LONG_RUNS },
    { case: { ...pushed, receiver: 'stops' }, contenders: OURS, runs: LONG_RUNS },
    { case: { kind: 'restart', clients: CLIENT_COUNT, pause: 1 }, contenders: OURS, runs: LONG_RUNS }
  ]
}

function tables(results: Results<Name, typeof MEASURES>): string[] {
  const transfers = results.rows('transfer')
  const near = [LARGE_WRITES, SMALL_WRITES].map(({ size }) =>
    transferTable(
      transfers.filter(({ of }) => of.delay === 0 && of.size === size),
      'ours'
    )
  )
  return [
    ...near,
    table(
      'One pair, a long way between server and receiver',
      transfers.filter(({ of }) => of.delay > 0),
      [
        ['', ({ title, of }) => `${title}, ${of.delay} ms each way`],
        ['MB per second', ({ found }) => found.megabytesPerSecond],
        ...CPU_COLUMNS
      ]
    ),
    table('200 MB for a receiver that does not read', results.rows('memory'), [
      ['', ({ title, of }) => `${title}, a receiver that ${of.receiver === 'never' ? 'never reads' : 'stops reading'}`],
      ['left the sender, MB', ({ found }) => found.left / MB],
      ['RSS growth of sender, MB', ({ found }) => found.senderGrowth / MB],
      ['of server, MB', ({ found }) => found.serverGrowth / MB],
      ['of receiver, MB', ({ found }) => found.receiverGrowth / MB]
    ]),
    table('A server that is away for a second', results.rows('restart'), [
      ['', ({ title, of }) => `${title}, ${of.clients} clients`],
      ['until all are joined again, s', ({ found }) => found.seconds],
      ['since it was told to stop, s', ({ found }) => found.outage],
      ['joins refused', ({ found }) => found.refused],
      ['server CPU per client, ms', ({ found }) => found.cpuPerClient]
    ])
  ]
}
