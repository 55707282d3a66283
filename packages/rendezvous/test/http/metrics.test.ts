import { register } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/http/metrics.js'
import { createRendezvous } from '../../src/rendezvous.js'
import type { RendezvousStats } from '../../src/stats.js'

/** The samples of a text in the form of Prometheus, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    })
  )
}

/** Stats with another number for every figure, and with one reason wherever reasons are counted. */
function someStats(): { stats: RendezvousStats; figures: number[] } {
  const figures: number[] = []
  const figure = (): number => {
    figures.push(1_000 + figures.length)
    return figures.at(-1) ?? 0
  }
  const filled = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return figure()
    const entries = Object.entries(value).map(([name, inner]: [string, unknown]) => [name, filled(inner)] as const)
    return entries.length === 0 ? { 'some reason': figure() } : Object.fromEntries(entries)
  }
  // every number of it is a number still
  return { stats: filled(createRendezvous().stats()) as RendezvousStats, figures }
}

describe('the metrics', () => {
  test('are all figures of the server, and nothing besides', async () => {
    const { stats, figures } = someStats()
    const samples = samplesOf(await createMetrics(() => stats).metrics())
    const ours = [...samples]
      .filter(([name]) => name.startsWith('rendezvous_'))
      .map(([name, value]) => (name.includes('_seconds') ? Math.round(value * 1000) : value))
    expect(ours.toSorted()).toEqual(figures.toSorted())
  })

  test('have the names of the old server', async () => {
    const { stats } = someStats()
    const samples = samplesOf(await createMetrics(() => stats).metrics())
    expect(Object.fromEntries(samples)).toMatchObject({
      rendezvous_peers: stats.peers,
      rendezvous_dials_total: stats.dials.total,
      rendezvous_dials_total_success: stats.dials.success,
      rendezvous_dials_total_failure: stats.dials.failure,
      rendezvous_joins_total: stats.joins.total,
      rendezvous_joins_total_success: stats.joins.success,
      rendezvous_joins_total_failure: stats.joins.failure
    })
  })

  test('are read anew each time, and never added up', async () => {
    let { stats } = someStats()
    const metrics = createMetrics(() => stats)
    await metrics.metrics()
    expect(samplesOf(await metrics.metrics()).get('rendezvous_joins_total')).toBe(stats.joins.total)
    stats = { ...stats, peers: 1, joins: { total: 8, success: 5, failure: 3 }, refused: { address: 2 } }
    const samples = samplesOf(await metrics.metrics())
    expect(samples.get('rendezvous_peers')).toBe(1)
    expect(samples.get('rendezvous_joins_total')).toBe(8)
    const refused = [...samples].filter(([name]) => name.startsWith('rendezvous_refused_total'))
    expect(refused).toEqual([['rendezvous_refused_total{reason="address"}', 2]])
  })

  test('tell of the process too', async () => {
    const samples = samplesOf(await createMetrics(() => someStats().stats).metrics())
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) {
      expect(samples.get(name)).toBeGreaterThanOrEqual(0)
    }
  })

  test('each have one help text and one type, before their samples', async () => {
    const text = await createMetrics(() => someStats().stats).metrics()
    const names = new Set([...text.matchAll(/^(rendezvous_\w+)/gm)].map(([, name]) => String(name)))
    expect(names.size).toBeGreaterThan(10)
    for (const name of names) {
      const type = name.includes('_total') ? 'counter' : 'gauge'
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\\n# TYPE ${name} ${type}\\n${name}[ {]`, 'm'))
    }
  })

  test('of two servers are kept apart, and out of the global registry', async () => {
    const { stats } = someStats()
    const one = createMetrics(() => stats)
    const other = createMetrics(() => ({ ...stats, peers: 0 }))
    expect(samplesOf(await one.metrics()).get('rendezvous_peers')).toBe(stats.peers)
    expect(samplesOf(await other.metrics()).get('rendezvous_peers')).toBe(0)
    expect(register.getMetricsAsArray()).toEqual([])
  })
})
