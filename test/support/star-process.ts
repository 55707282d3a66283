import { type Inbox, within } from '@websocket-star/testkit'
import { OwnedProcess } from '@websocket-star/testkit/processes'
import { CommandServer } from './command.js'
import type { Environment, Exit } from './line-process.js'
import type { StarAddress } from './star.js'

export interface StarProcessOptions {
  /** URL of the Redis by which it is of one star with others. */
  readonly redis?: string
  /** More flags of the command line. */
  readonly flags?: readonly string[]
  readonly env?: Environment
}

/** A server of ours as a process of its own, as operators start it, which can be made to fail as processes do. */
export class StarProcess implements StarAddress, AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly multiaddr: string
  readonly #command: CommandServer
  readonly #process: OwnedProcess

  private constructor(command: CommandServer) {
    this.url = command.url
    this.port = command.port
    this.multiaddr = command.multiaddr
    this.#command = command
    this.#process = new OwnedProcess(command.child)
  }

  static async start({ redis, flags = [], env }: StarProcessOptions = {}): Promise<StarProcess> {
    const args = redis === undefined ? flags : ['--redis', redis, ...flags]
    return new StarProcess(await CommandServer.start(args, env))
  }

  /** The id of its process. */
  get pid(): number {
    return this.#process.pid
  }

  /** What it prints, line by line. */
  get stdout(): Inbox<string> {
    return this.#command.stdout
  }

  /** What it logged. */
  get log(): readonly string[] {
    return this.#command.stderr.items
  }

  /** It is there, and its connections are, but it does nothing. */
  async pause(): Promise<void> {
    await this.#process.pause()
  }

  resume(): void {
    this.#process.resume()
  }

  async kill9(): Promise<void> {
    await this.#process.kill()
  }

  /** SIGTERM: it drains. Resolves once it is gone, with how it went. */
  async terminate(): Promise<Exit> {
    return await this.#command.stop('SIGTERM')
  }

  /** Whether it wants new clients. */
  async isReady(): Promise<boolean> {
    return (await this.#get('/ready')).ok
  }

  /** All figures of `/metrics` by their names, labels and all: `rendezvous_refused_total{reason="…"}`. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await this.metricsText()
    return new Map(Array.from(text.matchAll(/^([^#\n].*) (\S+)$/gm), ([, name = '', value]) => [name, Number(value)]))
  }

  /** `/metrics` as it is. */
  async metricsText(): Promise<string> {
    return await (await this.#get('/metrics')).text()
  }

  /** One figure of `/metrics`; a count of which there is none is 0, a name of which there is none an error. */
  async metric(name: string): Promise<number> {
    const metrics = await this.metrics()
    const figure = metrics.get(name)
    if (figure === undefined && !name.includes('{')) throw new Error(`there is no ${name} at /metrics`)
    return figure ?? 0
  }

  /** Memory it holds, in bytes. */
  async residentBytes(): Promise<number> {
    return await this.#process.residentBytes()
  }

  async cpuSeconds(): Promise<number> {
    return await this.#process.cpuSeconds()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.isGone) await this.kill9()
  }

  async #get(path: string): Promise<Response> {
    return await within(`an answer of ${this.url}${path}`, fetch(`${this.url}${path}`))
  }
}
