import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { eventually, within } from '../deadline.js'
import { readProcUsage, readStat } from './usage.js'

/** Kills a process and removes a folder, unless it is told a line before its input ends. */
const WATCH = 'read -r line || { kill -9 "$1"; [ -z "$2" ] || rm -rf "$2"; } 2> /dev/null'

/**
 * A process that a test started, which can be made to fail as processes do. It never outlives the test's own, however
 * that one ends. Needs `/proc`.
 */
export class OwnedProcess {
  readonly pid: number
  /** Resolves once it is gone. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  readonly #watch: ChildProcess

  /** @param folder - goes with it if the test's own process dies before */
  constructor(child: ChildProcess, folder = '') {
    if (child.pid === undefined) throw new Error(`${child.spawnfile} cannot be run`)
    this.pid = child.pid
    this.#child = child
    this.gone = once(child, 'exit').then(() => this.#unwatch())
    // in a session of its own, for it has to be there still after a Ctrl-C
    this.#watch = spawn('sh', ['-c', WATCH, 'sh', String(child.pid), folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore']
    })
    this.#watch.stdin?.on('error', () => {})
  }

  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** SIGSTOP: it is there, and its sockets are, but it does nothing. Resolves once it has stopped. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP')
    await eventually(`process ${this.pid} to stop`, () => readStat(this.pid)[0] === 'T')
  }

  /** SIGCONT */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Resolves once it is gone; one that is paused goes by SIGKILL alone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await within(`the end of process ${this.pid} after ${signal}`, this.gone)
  }

  /** Memory it holds, in bytes; works while it is paused. */
  async residentBytes(): Promise<number> {
    return readProcUsage(this.pid).rss
  }

  /** CPU it has used so far, of itself and of the kernel for it, in seconds; works while it is paused. */
  async cpuSeconds(): Promise<number> {
    return readProcUsage(this.pid).cpu / 1e6
  }

  #unwatch(): void {
    this.#watch.stdin?.end('\n')
  }
}
