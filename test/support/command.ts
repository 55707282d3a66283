import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Inbox, within } from '@websocket-star/testkit'
import type { Runtime } from './peer-process.js'

const script = fileURLToPath(new URL('../../packages/rendezvous/dist/cli/main.js', import.meta.url))

/** Before each address that the server names for its clients. */
const give = 'Give clients: '

export type Environment = Readonly<Record<string, string>>

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The command line of the server as a process of its own. */
export class Command implements AsyncDisposable {
  /** Lines, as they come. */
  readonly stdout = new Inbox<string>()
  readonly stderr = new Inbox<string>()
  /** Resolves once the process is gone and all it said has come. */
  readonly exit: Promise<Exit>
  readonly child: ChildProcess

  /**
   * @param env - all that it sees of any environment, but for the path
   * @param runtime - what runs it
   */
  constructor(args: readonly string[], env: Environment = {}, [binary, ...options]: Runtime = [process.execPath]) {
    const child = spawn(binary, [...options, script, ...args], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    createInterface({ input: child.stdout }).on('line', (line) => this.stdout.push(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.stderr.push(line))
    this.exit = new Promise<Exit>((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
    this.child = child
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal)
    return await within(`the end after ${signal}`, this.exit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
  }
}

/** A server that was started by the command line and listens. */
export class CommandServer extends Command {
  /** On a free port of the loopback interface, unless it is told otherwise. */
  static async start(args: readonly string[] = [], env: Environment = {}, runtime?: Runtime): Promise<CommandServer> {
    const server = new CommandServer(args, { PORT: '0', HOST: '127.0.0.1', ...env }, runtime)
    const ended = server.exit.then(() => {
      throw new Error(`It did not start: ${server.stderr.items.join('\n')}`)
    })
    try {
      const listening = server.stdout.until('an address for clients', (lines) =>
        lines.some((line) => line.startsWith(give))
      )
      await Promise.race([listening, ended])
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    } finally {
      // from here on the end is no surprise
      ended.catch(() => {})
    }
  }

  /** `http://<host>:<port>`, or `https://…` */
  get url(): string {
    return String(this.stdout.items[0]).replace('Listening on: ', '')
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** The first of the addresses it names for clients. */
  get multiaddr(): string {
    return String(this.stdout.items.find((line) => line.startsWith(give))).slice(give.length)
  }
}

/** Everything a process said that ended by itself. */
export interface Outcome extends Exit {
  readonly stdout: string
  readonly stderr: string
}

export async function runCommand(args: readonly string[], env: Environment = {}): Promise<Outcome> {
  await using command = new Command(args, env)
  const exit = await within(`"${args.join(' ')}" to end by itself`, command.exit)
  return { ...exit, stdout: command.stdout.items.join('\n'), stderr: command.stderr.items.join('\n') }
}
