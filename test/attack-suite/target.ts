import { request } from 'node:http'
import { join } from 'node:path'
import { within } from '@websocket-star/testkit'
import { OwnedProcess, readProcUsage, type Usage } from '@websocket-star/testkit/processes'
import { LineProcess } from '../support/line-process.js'
import { OPERATOR_ADDRESS, SERVER_ADDRESS } from './namespace.js'

const PORT = 9090
const TOKEN = 'token of the operator'
/** What stdout begins with then. */
const LISTENING = 'Listening on: '
const ENVIRONMENT = { WEBSOCKET_STAR_ADMIN_TOKEN: TOKEN, WEBSOCKET_STAR_LOG_FORMAT: 'pretty' }
/** Milliseconds. */
const PATIENCE = 30_000

/** The server under attack: the command line without a flag. */
export class Target implements AsyncDisposable {
  readonly url = `http://${SERVER_ADDRESS}:${PORT}`
  readonly prefix = `/ip4/${SERVER_ADDRESS}/tcp/${PORT}/ws/p2p-websocket-star`
  readonly adminToken = TOKEN
  readonly #line: LineProcess
  readonly #process: OwnedProcess

  private constructor(line: LineProcess) {
    this.#line = line
    this.#process = new OwnedProcess(line.child)
  }

  /**
   * @param checkout - the folder of a repository that is built
   * @param openFiles - how many it may have
   */
  static async start(checkout: string, openFiles?: number): Promise<Target> {
    const script = join(checkout, 'packages/rendezvous/dist/cli/main.js')
    const limited = ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', process.execPath] as const
    const line = new LineProcess(openFiles === undefined ? [process.execPath] : limited, script, [], ENVIRONMENT)
    await line.stdout.until('the server to listen', (lines) => lines.some((text) => text.startsWith(LISTENING)))
    return new Target(line)
  }

  /** How it ended, if it has. */
  get end(): string | undefined {
    const { exitCode, signalCode } = this.#line.child
    if (!this.#process.isGone) return undefined
    return `${signalCode ?? `exit code ${exitCode}`}: ${this.#line.stderr.items.slice(-20).join(' ').slice(-300)}`
  }

  usage(): Usage | undefined {
    try {
      return readProcUsage(this.#process.pid)
    } catch {
      // it is gone
      return undefined
    }
  }

  /** Returns all figures of `/metrics` by their names and labels; none if there is no answer. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { body } = await this.ask('/metrics')
    return new Map(Array.from(body.matchAll(/^([^#\n].*) (\S+)$/gm), ([, name = '', value]) => [name, Number(value)]))
  }

  /** Asks for a page; the status is 0 if there is no answer. An event stream is left at its beginning. */
  async ask(path: string, { token = '', from = OPERATOR_ADDRESS } = {}): Promise<{ status: number; body: string }> {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    const asked = request(this.url + path, { agent: false, localAddress: from, headers })
    const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
      asked.once('error', reject)
      asked.once('response', (response) => {
        const { statusCode: status = 0 } = response
        let body = ''
        const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text
          if (isStream) resolve({ status, body })
        })
        response.once('end', () => resolve({ status, body }))
        response.once('error', reject)
      })
    })
    asked.end()
    try {
      return await within(path, answer, PATIENCE)
    } catch {
      return { status: 0, body: '' }
    } finally {
      asked.destroy()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.isGone) await this.#process.kill()
  }
}
