import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { within } from '../deadline.js'
import { freePort } from './free-port.js'
import { Inbox } from '../inbox.js'
import { OwnedProcess } from './owned-process.js'

const run = promisify(execFile)

/** Milliseconds a command may take: one that is paused answers nobody. */
const PATIENCE = 60_000

/** A certificate that signs itself. */
interface RedisTls {
  /** What a client has to trust, as PEM. */
  readonly authority: string
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

export interface RedisOptions {
  /** Follows this server; it is ready when it has all its data. */
  readonly replicaOf?: RedisServer
  /** Serves TLS only, and asks for no certificate. */
  readonly tls?: RedisTls
  /** What everybody has to know. */
  readonly password?: string
  /** Whom the URL names, with rules such as `~ws* &ws* +@all`; all else is for {@link RedisServer.cli} alone then. */
  readonly user?: { readonly name: string; readonly password: string; readonly rules: string }
  /** More for `redis.conf`. */
  readonly config?: Readonly<Record<string, string>>
}

/** Classes of connections that Redis knows. */
export type ConnectionType = 'normal' | 'pubsub' | 'replica' | 'master'

/** A real redis-server of a test's own, on a free port and in a folder of its own, which can be made to fail. */
export class RedisServer implements AsyncDisposable {
  readonly port: number
  /** What it logs, over all its lives. */
  readonly log = new Inbox<string>()
  readonly #options: RedisOptions
  readonly #folder: string
  #process: OwnedProcess | undefined

  private constructor(port: number, folder: string, options: RedisOptions) {
    this.port = port
    this.#folder = folder
    this.#options = options
  }

  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'))
    for (;;) {
      const server = new RedisServer(await freePort(), folder, options)
      try {
        await writeFile(server.#configFile, server.#configuration())
        await server.#start()
        return server
      } catch (error) {
        // somebody else was quicker
        if (server.log.items.some((line) => line.includes('Address already in use'))) continue
        await server[Symbol.asyncDispose]()
        throw error
      }
    }
  }

  /** `redis://127.0.0.1:<port>`, with user and password if there are any; `rediss://…` with TLS. */
  get url(): string {
    const { tls, user, password } = this.#options
    const url = new URL(`redis${tls === undefined ? '' : 's'}://127.0.0.1:${this.port}`)
    url.username = encodeURIComponent(user?.name ?? '')
    url.password = encodeURIComponent(user?.password ?? password ?? '')
    return url.href
  }

  /** What a client has to trust, as PEM. */
  get authority(): string | undefined {
    return this.#options.tls?.authority
  }

  /** Of the user `default`, who is not the one that the URL names if it names a user. */
  get adminPassword(): string | undefined {
    const { password, user } = this.#options
    return password ?? (user && 'for-nobody-but-the-test')
  }

  /** The id of its process. */
  get pid(): number {
    return this.#running.pid
  }

  /** Runs a command as the one who may do everything. @returns the answer, an item a line. Throws errors of Redis. */
  async cli(...args: string[]): Promise<string> {
    const { tls } = this.#options
    const password = this.adminPassword
    const options = ['-e', '--no-auth-warning', '-p', String(this.port), ...tlsFlags(tls)]
    const env = { ...process.env, ...(password !== undefined && { REDISCLI_AUTH: password }) }
    const { stdout } = await run('redis-cli', [...options, ...args], { env, timeout: PATIENCE, maxBuffer: 1 << 28 })
    return stdout.trimEnd()
  }

  /** Writes down all it knows: what it has after a {@link restart}. */
  async save(): Promise<void> {
    await this.cli('SAVE')
  }

  /** As an operator ends it. Nothing is saved. */
  async stop(): Promise<void> {
    await this.#process?.kill('SIGTERM')
  }

  /** As a lack of memory ends it. */
  async kill9(): Promise<void> {
    await this.#process?.kill()
  }

  /** Starts again on the same port, with what was there at the last {@link save}; `isEmpty`: with nothing. */
  async restart({ isEmpty = false } = {}): Promise<void> {
    await this.kill9()
    if (isEmpty) await rm(join(this.#folder, 'dump.rdb'), { force: true })
    await this.#start()
  }

  /** It is there, and its connections are, but it does nothing. */
  async pause(): Promise<void> {
    await this.#running.pause()
  }

  resume(): void {
    this.#running.resume()
  }

  /** Cuts all connections of a class. @returns how many there were */
  async killClients(type: ConnectionType): Promise<number> {
    return Number(await this.cli('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'))
  }

  /** One text a connection, such as `id=3 … sub=1 … tot-mem=22296 … cmd=subscribe user=default …`. */
  async clients(type: ConnectionType): Promise<string[]> {
    return (await this.cli('CLIENT', 'LIST', 'TYPE', type)).split('\n').filter((line) => line !== '')
  }

  /** All that INFO says. */
  async info(): Promise<Readonly<Record<string, string>>> {
    const text = await this.cli('INFO', 'everything')
    return Object.fromEntries(Array.from(text.matchAll(/^(\w+):(.*?)\r?$/gm), ([, name, value]) => [name, value]))
  }

  /** Memory it uses now and has used at most, by its own account, in bytes. */
  async memory(): Promise<{ used: number; peak: number }> {
    const { used_memory: used, used_memory_peak: peak } = await this.info()
    return { used: Number(used), peak: Number(peak) }
  }

  /** In seconds. */
  async cpuSeconds(): Promise<number> {
    return await this.#running.cpuSeconds()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.isGone === false) await this.kill9()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #configFile(): string {
    return join(this.#folder, 'redis.conf')
  }

  get #running(): OwnedProcess {
    if (this.#process === undefined) throw new Error('it was not started')
    return this.#process
  }

  #configuration(): string {
    const { replicaOf, tls, user, config = {} } = this.#options
    const { adminPassword: password } = this
    const lines = [
      'bind 127.0.0.1',
      `port ${tls === undefined ? this.port : 0}`,
      `dir ${JSON.stringify(this.#folder)}`,
      'save ""',
      'appendonly no',
      // a replica of a test need not wait for others to come
      'repl-diskless-sync-delay 0',
      'rdb-del-sync-files yes'
    ]
    if (tls !== undefined) {
      lines.push(`tls-port ${this.port}`, `tls-cert-file ${tls.cert}`, `tls-key-file ${tls.key}`)
      lines.push(`tls-ca-cert-file ${tls.cert}`, 'tls-auth-clients no', 'tls-replication yes')
    }
    if (password !== undefined) lines.push(`requirepass ${password}`)
    if (user !== undefined) lines.push(`user ${user.name} on >${user.password} ${user.rules}`)
    if (replicaOf !== undefined) lines.push(`replicaof 127.0.0.1 ${replicaOf.port}`)
    if (replicaOf?.adminPassword !== undefined) lines.push(`masterauth ${replicaOf.adminPassword}`)
    lines.push(...Object.entries(config).map(([name, value]) => `${name} ${value}`))
    return `${lines.join('\n')}\n`
  }

  async #start(): Promise<void> {
    const heard = this.log.items.length
    const child = spawn('redis-server', [this.#configFile], { stdio: ['ignore', 'pipe', 'pipe'] })
    const readiness =
      this.#options.replicaOf === undefined ? 'Ready to accept connections' : 'sync: Finished with success'
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => this.log.push(line))
    this.#process = new OwnedProcess(child, this.#folder)
    const ready = this.log.until('redis-server to be ready', (lines) =>
      lines.slice(heard).some((line) => line.includes(readiness))
    )
    const gone = new Promise((resolve) => child.once('close', resolve)).then(() => {
      throw new Error(`redis-server did not start:\n${this.log.items.slice(heard).join('\n')}`)
    })
    // it may go later, and may have gone without ever being ready
    gone.catch(() => {})
    ready.catch(() => {})
    await within('redis-server to start', Promise.race([ready, gone]))
  }
}

function tlsFlags(tls: RedisTls | undefined): string[] {
  return tls === undefined ? [] : ['--tls', '--cacert', tls.cert]
}
