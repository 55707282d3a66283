import { readdirSync } from 'node:fs'
import { within } from '@websocket-star/testkit'
import { StarProcess } from '../support/star-process.js'

const PROBE = new URL('./probe.js', import.meta.url)
const SAMPLE = 'sample '
const PATIENCE = 30_000

/** What a server holds, after garbage has been collected. */
export interface Sample {
  /** Milliseconds of `performance.now()`. */
  readonly at: number
  /** Bytes. */
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
  /** Number of what keeps its event loop alive, by type: sockets, timers, requests. */
  readonly resources: Readonly<Record<string, number>>
  /** Number of open file descriptors. */
  readonly files: number
}

/** A server with default options in a process of its own, which is looked into. */
export class WatchedServer implements AsyncDisposable {
  readonly process: StarProcess

  private constructor(process: StarProcess) {
    this.process = process
  }

  static async start(): Promise<WatchedServer> {
    return new WatchedServer(
      await StarProcess.start({ env: { NODE_OPTIONS: `--trace-warnings --import=${PROBE.href}` } })
    )
  }

  async sample(): Promise<Sample> {
    const { stdout, pid } = this.process
    const before = stdout.items.length
    const find = (lines: readonly string[]): string | undefined =>
      lines.slice(before).find((line) => line.startsWith(SAMPLE))
    process.kill(pid, 'SIGUSR2')
    await within(
      'a sample',
      stdout.until('a sample', (lines) => find(lines) !== undefined),
      PATIENCE
    )
    // as the probe prints it
    const told = JSON.parse(String(find(stdout.items)).slice(SAMPLE.length)) as Omit<Sample, 'at' | 'files'>
    return { ...told, at: performance.now(), files: readdirSync(`/proc/${pid}/fd`).length }
  }

  /** All gauges of the server itself, by name and labels. */
  async gauges(): Promise<Map<string, number>> {
    const text = await this.process.metricsText()
    const names = new Set(Array.from(text.matchAll(/^# TYPE (rendezvous_\w+) gauge$/gm), ([, name]) => name))
    const figures = text.matchAll(/^((rendezvous_\w+)\S*) (\S+)$/gm)
    return new Map(
      Array.from(figures, ([, figure = '', name, value]) => [figure, name, Number(value)] as const)
        .filter(([, name]) => names.has(name))
        .map(([figure, , value]) => [figure, value])
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}
