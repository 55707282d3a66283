import { figure, markdownTable } from '../../bench/src/report/table.js'
import type { Result } from './trial.js'
import type { DelayFigures } from './witnesses/delays.js'
import type { Testimony } from './witnesses/witnesses.js'

/** What every attack has to leave of the server. Milliseconds, bytes. */
const GOALS = { p99: 50, health: 200, memory: 128 * 2 ** 20 }

const REASONS = 6

/** Returns the goals that a row misses. */
export function missesOf({ during, rssBefore, rssHighest, checks, serverEnd }: Result): string[] {
  const misses: string[] = []
  if (serverEnd !== undefined) return [`the server ended: ${serverEnd}`]
  for (const kind of ['legacy', 'new'] as const) {
    const { p99, missing, longest } = during[kind]
    if (!(p99 <= GOALS.p99)) misses.push(`p99 of the ${kind} pair ${milliseconds(p99)}`)
    if (missing > 20) misses.push(`${missing} messages of the ${kind} pair missing after ${milliseconds(longest)}`)
  }
  const { longest, failures } = during.health
  if (!(longest <= GOALS.health)) misses.push(`/health after ${milliseconds(longest)}`)
  if (failures > 0) misses.push(`/health failed ${failures} times`)
  if (!(rssHighest - rssBefore <= GOALS.memory)) misses.push(`memory +${megabytes(rssHighest - rssBefore)}`)
  for (const what of during.lost) misses.push(`closed: ${what}`)
  for (const { what, failure } of checks) if (failure !== undefined) misses.push(`${what}: ${failure}`)
  return misses
}

/** Says in a few lines what one attack did. */
export function summaryOf(result: Result): string {
  const { attack, during, quiet, haul, rssBefore, rssHighest, cpu, loopDelay, counted } = result
  const pairs = `pairs ${delays(during.legacy)} and ${delays(during.new)} ms (quiet ${delays(quiet.legacy)} and ${delays(quiet.new)})`
  const server = `RSS ${megabytes(rssBefore)} → ${megabytes(rssHighest)}, /health ${milliseconds(during.health.longest)}, loop ${milliseconds(loopDelay)}, CPU ${figure(cpu * 100)} %`
  const misses = missesOf(result)
  return [
    `${misses.length === 0 ? 'ok  ' : 'MISS'} ${attack}: ${pairs}; ${server}`,
    `       attackers: ${gains(haul)}; ${reasons(haul.ends) || 'none was closed'}`,
    ...(Object.keys(counted).length > 0 ? [`       server: ${reasons(counted)}`] : []),
    ...misses.map((miss) => `       misses: ${miss}`),
    ...(isMachineBusy(result) ? ['       the machine was busy with something else before the attack'] : [])
  ].join('\n')
}

/** Returns the table of all rows. */
export function tableOf(results: readonly Result[]): string {
  const head = [
    'attack',
    'connections',
    'legacy pair p50 / p99 / longest, ms',
    'new pair, ms',
    'before the attack: p99 / longest, ms',
    'RSS before, MB',
    'rise, MB',
    '/health, ms',
    'loop, ms',
    'attackers sent',
    'open at the end',
    'ends',
    'goals'
  ]
  const rows = results.map((result) => {
    const { attack, connections, addresses, during, quiet, haul, rssBefore, rssHighest, loopDelay } = result
    const misses = missesOf(result)
    return [
      attack,
      addresses === 1 ? String(connections) : `${connections} from ${addresses}`,
      delays(during.legacy),
      delays(during.new),
      `${figure(worst(quiet, 'p99'))} / ${figure(worst(quiet, 'longest'))}`,
      figure(rssBefore / 1e6),
      figure((rssHighest - rssBefore) / 1e6),
      figure(during.health.longest),
      figure(loopDelay),
      `${figure(haul.messages)} in ${megabytes(haul.bytesSent)}`,
      String(haul.openAtEnd),
      reasons(haul.ends) || '–',
      (misses.length === 0 ? 'met' : `**missed**: ${misses.map((miss) => miss.slice(0, 100)).join('; ')}`) +
        (isMachineBusy(result) ? ' (the machine was busy before)' : '')
    ].map((cell) => cell.replaceAll('|', '\\|'))
  })
  return markdownTable(head, rows)
}

function delays({ p50, p99, longest, missing }: DelayFigures): string {
  const more = missing > 20 ? '>' : ''
  return `${figure(p50)} / ${figure(p99)} / ${more}${figure(longest)}`
}

/** Whether the pairs were delayed before anybody attacked. */
function isMachineBusy({ quiet }: Result): boolean {
  return worst(quiet, 'p99') > GOALS.p99
}

/** Returns the figure of the pair that was worse off. */
function worst(testimony: Testimony, name: 'p99' | 'longest'): number {
  return Math.max(testimony.legacy[name], testimony.new[name])
}

function gains({ messages, bytesSent, bytesReceived, opened, openAtEnd }: Result['haul']): string {
  return `${figure(messages)} messages, ${megabytes(bytesSent)} sent, ${megabytes(bytesReceived)} received, ${opened} connections, ${openAtEnd} open at the end`
}

/** The most frequent ones. */
function reasons(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  const rest = sorted.length > REASONS ? [`${sorted.length - REASONS} more`] : []
  return [...sorted.slice(0, REASONS).map(([reason, count]) => `${count} × ${reason}`), ...rest].join(', ')
}

function megabytes(bytes: number): string {
  return figure(bytes / 1e6, ' MB')
}

function milliseconds(value: number): string {
  return figure(value, ' ms')
}
