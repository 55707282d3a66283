import type { CalculatedMetricOptions, MetricOptions, Metrics } from '@libp2p/interface'

type Values = Partial<Record<string, number | true>>
type Options<T> = MetricOptions & Partial<CalculatedMetricOptions<T>>

/** Metrics of a node, kept in memory: every kind is a group of numbers by key. */
export class RecordedMetrics implements Metrics {
  readonly #groups = new Map<string, Group>()
  readonly #calculated = new Map<string, () => unknown>()

  /** What a group holds now. */
  async read(name: string): Promise<unknown> {
    const calculate = this.#calculated.get(name)
    return calculate === undefined ? Object.fromEntries(this.#groups.get(name)?.values ?? []) : await calculate()
  }

  readonly registerMetricGroup = (name: string, options: Options<Record<string, number>> = {}): Group => {
    return this.#register(name, options)
  }
  readonly registerCounterGroup = this.registerMetricGroup
  readonly registerHistogramGroup = this.registerMetricGroup
  readonly registerSummaryGroup = this.registerMetricGroup
  readonly registerMetric = (name: string, options: Options<number> = {}): Single => {
    return new Single(this.#register(name, options))
  }
  readonly registerCounter = this.registerMetric
  readonly registerHistogram = this.registerMetric
  readonly registerSummary = this.registerMetric

  trackMultiaddrConnection(): void {}
  trackProtocolStream(): void {}
  traceFunction<F>(_name: string, traced: F): F {
    return traced
  }
  createTrace(): void {}

  #register(name: string, { calculate }: { calculate?: () => unknown }): Group {
    if (calculate !== undefined) this.#calculated.set(name, calculate)
    const group = this.#groups.get(name) ?? new Group()
    this.#groups.set(name, group)
    return group
  }
}

class Group {
  readonly values = new Map<string, number>()

  update(values: Values): void {
    for (const [key, value] of Object.entries(values)) this.values.set(key, Number(value))
  }
  increment(values: Values): void {
    for (const [key, value] of Object.entries(values)) this.values.set(key, (this.values.get(key) ?? 0) + Number(value))
  }
  decrement(values: Values): void {
    for (const [key, value] of Object.entries(values)) this.values.set(key, (this.values.get(key) ?? 0) - Number(value))
  }
  observe(values: Values): void {
    this.update(values)
  }
  reset(): void {
    this.values.clear()
  }
  timer(key: string): () => void {
    const begin = performance.now()
    return () => this.update({ [key]: performance.now() - begin })
  }
}

/** A metric without keys. */
class Single {
  readonly #group: Group

  constructor(group: Group) {
    this.#group = group
  }
  update(value: number): void {
    this.#group.update({ '': value })
  }
  increment(value = 1): void {
    this.#group.increment({ '': value })
  }
  decrement(value = 1): void {
    this.#group.decrement({ '': value })
  }
  observe(value: number): void {
    this.#group.observe({ '': value })
  }
  reset(): void {
    this.#group.reset()
  }
  timer(): () => void {
    return this.#group.timer('')
  }
}
