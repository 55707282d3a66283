import { legacyServer, starServer } from '../contenders/servers/commands.js'
import { onServer, type ServerContender } from '../contenders/servers/contender.js'
import type { RunningServer, ServerCommand } from '../contenders/servers/server.js'
import { Skipped, type Conditions, type Measure } from '../harness/measure.js'
import type { Results } from '../harness/results.js'
import { defineSuite, type Planned, type Scale } from '../harness/suite.js'
import { JoinError } from '../loads/crowd/crowd-peer.js'
import { measureIdle, type IdleCase, type IdleFigures } from '../loads/crowd/idle.js'
import { measureJoins, type JoinsCase } from '../loads/crowd/joins.js'
import { measureNewcomers, type NewcomerCase } from '../loads/crowd/newcomer.js'
import { hasRoomFor, openFileLimit } from '../loads/crowd/open-files.js'
import { measureRounds, type RoundsCase } from '../loads/crowd/rounds.js'
import { measureStorm, type StormCase } from '../loads/crowd/storm.js'
import { lineChart } from '../report/line-chart.js'
import { figure, table } from '../report/table.js'

type Name = 'ours' | 'legacy'
type CrowdCase = IdleCase | RoundsCase | JoinsCase | StormCase | NewcomerCase
type CrowdResults = Results<Name, typeof MEASURES>
type Planning = Planned<Name, CrowdCase>

const KB = 1e3
const MB = 1e6
/** V8's young generation takes or gives back up to 32 MB when it likes: divided by fewer peers that means nothing. */
const MANY = 1000

const BOTH: readonly Name[] = ['ours', 'legacy']
const OURS: readonly Name[] = ['ours']
const IDLE = [100, 250, 500, 1000, 2500, 5000, 10_000]
const QUICK_IDLE = [100, 1000]
/** Where the legacy server stops answering, or nearly: it tells everyone of everyone. */
const LEGACY_PEERS = 1000
/** What it can hold. */
const SMALL_CROWD = 500
const QUICK_LEGACY_PEERS = 100
const ROUNDS_INTERVAL = 2000
/** Of what the legacy server can hold without spending most of its time on announcing. */
const JOINS = 250
const QUICK_JOINS = 100
const KEYS: readonly JoinsCase['key'][] = ['RSA-2048', 'Ed25519', 'none']
const STORM = 5000
const NEWCOMERS = 10
const QUICK_NEWCOMERS = 3
/** Milliseconds per peer: the legacy server takes its time to let a thousand join. */
const PEER_TIME = 20

const CONTENDERS: Readonly<Record<Name, ServerContender<CrowdCase>>> = {
  ours: { title: 'this server', command: ours },
  // Announcements cost it most: it is spared the challenge where the case allows.
  legacy: { title: 'legacy server 0.4.1', command: (of) => legacyServer(of.kind === 'join' && of.key !== 'none') }
}

const MEASURES = {
  idle: onCrowd(measureIdle),
  rounds: onCrowd(measureRounds),
  join: onCrowd(measureJoins),
  storm: onCrowd(measureStorm),
  newcomer: onCrowd(measureNewcomers)
}

export const peers = defineSuite({
  name: 'peers',
  about: 'what many peers cost this server and the legacy one: idle, joining, and all coming back at once.',
  examples: 'idle, join, storm, rounds, newcomer, or such as idle/1000',
  contenders: CONTENDERS,
  measures: MEASURES,
  nameOf: (of) => (of.kind === 'join' ? `join/${of.key}/${of.stay ? 'stay' : 'leave'}` : `${of.kind}/${of.peers}`),
  plan,
  tables,
  chart,
  profiled: {
    cases: [
      { kind: 'idle', peers: 1000 },
      { kind: 'join', key: 'Ed25519', joins: 1000, stay: false },
      { kind: 'storm', peers: 1000 }
    ],
    contender: 'ours',
    roles: () => ['server']
  },
  // Seconds that idle peers are looked at: some rounds of announcements.
  defaults: { runs: 3, seconds: 30, quickSeconds: 10 },
  extraTime: (of) => (of.kind === 'join' ? 0 : of.peers * PEER_TIME)
})

/** With default limits, but for what a case is about. */
function ours(of: CrowdCase): ServerCommand {
  const challenge = of.kind !== 'join' || of.key !== 'none'
  const flags = challenge ? [] : ['--disable-crypto-challenge']
  // Joins are to be counted alone: the legacy server's first announcements come ten seconds later.
  if (of.kind === 'join') flags.push('--discovery-interval', '600000')
  if (of.kind === 'rounds') {
    flags.push('--discovery-interval', String(of.interval), '--discovery-max-bytes-per-second', '1000000000')
  }
  return { ...starServer(0, ...flags), challenge }
}

function onCrowd<Of extends CrowdCase, Figures>(
  measure: (server: RunningServer, of: Of, conditions: Conditions) => Promise<Figures>
): Measure<Of, ServerContender<CrowdCase>, Figures> {
  const measureOnServer = onServer(measure)
  return async (of, trial) => {
    if (!hasRoomFor(connectionsOf(of))) {
      throw new Skipped(`only ${openFileLimit()} files may be open here: raise \`ulimit -n\``)
    }
    try {
      return await measureOnServer(of, trial)
    } catch (error) {
      const isLegacy = trial.contender === CONTENDERS.legacy
      // Nothing else can be said of a server that no longer answers; of this one it would be a defect.
      if (isLegacy && error instanceof JoinError) throw new Skipped(error.message, { cause: error })
      throw error
    }
  }
}

/** Returns how many connections a case holds at once. */
function connectionsOf(of: CrowdCase): number {
  if (of.kind === 'join') return of.joins
  // Those of a storm may overlap with what they leave behind.
  return of.kind === 'storm' ? 2 * of.peers : of.peers
}

function plan({ quick }: Scale): Planning[] {
  return [
    ...(quick ? QUICK_IDLE : IDLE).map((peers): Planning => {
      const isForBoth = peers <= (quick ? QUICK_LEGACY_PEERS : LEGACY_PEERS)
      return { case: { kind: 'idle', peers }, contenders: isForBoth ? BOTH : OURS }
    }),
    ...(quick ? quickJoins() : joins()),
    { case: { kind: 'storm', peers: SMALL_CROWD }, contenders: quick ? OURS : BOTH },
    ...(quick ? [] : [{ case: { kind: 'storm', peers: STORM }, contenders: OURS } as const]),
    ...(quick ? [256] : [256, 1000]).map((peers): Planning => ({
      case: { kind: 'rounds', peers, interval: ROUNDS_INTERVAL },
      contenders: OURS
    })),
    ...newcomers(quick)
  ]
}

function quickJoins(): Planning[] {
  const [joins, stay] = [QUICK_JOINS, false]
  return [
    { case: { kind: 'join', key: 'RSA-2048', joins, stay }, contenders: OURS },
    { case: { kind: 'join', key: 'Ed25519', joins, stay }, contenders: OURS },
    { case: { kind: 'join', key: 'none', joins, stay: true }, contenders: BOTH }
  ]
}

function joins(): Planning[] {
  return KEYS.flatMap((key) =>
    [true, false].map((stay): Planning => ({
      case: { kind: 'join', key, joins: JOINS, stay },
      contenders: key === 'Ed25519' ? OURS : BOTH // the legacy server cannot read such keys
    }))
  )
}

function newcomers(quick: boolean): Planning[] {
  const count = quick ? QUICK_NEWCOMERS : NEWCOMERS
  const large: Planning = { case: { kind: 'newcomer', peers: 1000, newcomers: count }, contenders: OURS }
  if (quick) return [large]
  return [{ case: { kind: 'newcomer', peers: SMALL_CROWD, newcomers: NEWCOMERS }, contenders: BOTH }, large]
}

function idleRows(results: CrowdResults) {
  const rows = results.rows('idle')
  return BOTH.flatMap((name) => rows.filter((row) => row.name === name))
}

function tables(results: CrowdResults): string[] {
  const perPeer = (peers: number, bytes: number) => (peers < MANY ? undefined : bytes / KB)
  const title = ({ title, of }: { title: string; of: { peers: number } }) => `${title}, ${figure(of.peers)} peers`
  return [
    table('Idle peers that hear of each other', idleRows(results), [
      ['', title],
      ['CPU, % of a core', ({ found }) => found.cpu],
      ['RSS, MB', ({ found }) => found.rss / MB],
      ['RSS per peer, kB', ({ of, found }) => perPeer(of.peers, found.rssPerPeer)],
      ['collected, kB', ({ of, found }) => perPeer(of.peers, found.rssPerPeerCollected)],
      ['heap per peer, kB', ({ found }) => found.heapPerPeer / KB],
      ['announcements per peer and interval', ({ found }) => found.announcements],
      ['MB sent per second', ({ found }) => found.bytesPerSecond / MB],
      ['connections lost', ({ found }) => found.lost],
      ['until all had joined, s', ({ found }) => found.joined]
    ]),
    joinsTable(results),
    table('All connections break, and all peers come back at once', results.rows('storm'), [
      ['', title],
      ['until half are back, s', ({ found }) => found.half],
      ['until all are, s', ({ found }) => found.all],
      ['attempts timed out', ({ found }) => found.timedOut],
      ['refused + broken', ({ found }) => `${figure(found.refused)} + ${figure(found.broken)}`],
      ['peers missing', ({ found }) => found.missing],
      ['RSS before, MB', ({ found }) => found.rss / MB],
      ['peak RSS, MB', ({ found }) => found.peakRss / MB],
      ['server CPU, s', ({ found }) => found.cpu],
      ['relayed message before, p99, ms', ({ found }) => found.quietP99],
      ['meanwhile, p99, ms', ({ found }) => found.stormP99],
      ['longest, ms', ({ found }) => found.stormMax]
    ]),
    table('Rounds of announcements until every peer has heard of every other', results.rows('rounds'), [
      ['', title],
      ['rounds', ({ found }) => found.rounds],
      ['known after the first, %', ({ found }) => found.first]
    ]),
    table('Until a crowd knows of a newcomer', results.rows('newcomer'), [
      ['', (row) => `${title(row)}, ${row.of.newcomers} newcomers`],
      ['until half know, ms', ({ found }) => found.half],
      ['until all do, median, ms', ({ found }) => found.median],
      ['longest, ms', ({ found }) => found.max]
    ])
  ]
}

/** Returns a table with one row for each key and server: those who leave, and those who stay. */
function joinsTable(results: CrowdResults): string {
  const all = results.rows('join')
  const rows = [...new Set(all.map(({ of }) => of.key))].flatMap((key) =>
    BOTH.flatMap((server) => {
      const both = all.filter(({ name, of }) => name === server && of.key === key)
      const [stay, leave] = [both.find(({ of }) => of.stay), both.find(({ of }) => !of.stay)]
      const some = stay ?? leave
      return some === undefined ? [] : [{ ...some, stay, leave }]
    })
  )
  return table('Server CPU per join, in ms', rows, [
    [
      '',
      ({ title, of: { key }, found }) =>
        `${title}, ${key === 'none' ? 'no challenge' : key}, ${figure(found.joins)} joins`
    ],
    ['each leaves again', ({ leave }) => leave?.found.cpuPerJoin],
    ['all stay, and hear of each other', ({ stay }) => stay?.found.cpuPerJoin]
  ])
}

function chart(results: CrowdResults): string | undefined {
  const rows = idleRows(results)
  if (rows.length === 0) return undefined
  const linesOf = (valueOf: (found: IdleFigures) => number) =>
    BOTH.map((name) => ({
      label: CONTENDERS[name].title,
      isOurs: name === 'ours',
      points: rows.filter((row) => row.name === name).map(({ of, found }) => ({ x: of.peers, y: valueOf(found) }))
    }))
  return lineChart('What idle peers cost a server; lower is better', [
    { title: 'Server CPU, % of a core, by idle peers', lines: linesOf(({ cpu }) => cpu) },
    { title: 'Resident memory, MB, by idle peers', lines: linesOf(({ rss }) => rss / MB) }
  ])
}
