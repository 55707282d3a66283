import { fileURLToPath } from 'node:url'
import { within } from '@websocket-star/testkit'
import { LineProcess, type Environment, type Exit, type Runtime } from './line-process.js'

/** Path of what starts the command line. */
export const commandScript = fileURLToPath(new URL('../../packages/rendezvous/dist/cli/main.js', import.meta.url))

/** Before the URL of the server, and before each address that it names for its clients. */
const listen = 'Listening on: '
const give = 'Give clients: '

/** The command line of the server as a process of its own. */
export class Command extends LineProcess {
  /** @param runtime - what runs it */
  constructor(args: readonly string[], env: Environment = {}, runtime: Runtime = [process.execPath]) {
    super(runtime, commandScript, args, env)
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
      // On stdout, or in a JSON log.
      const said = (lines: readonly string[]) => lines.some((line) => line.includes(listen))
      const printed = server.stdout.until('an address', (lines) => lines.some((line) => line.startsWith(give)))
      const logged = server.stderr.until('an address', said)
      // Only one of them comes.
      for (const wait of [printed, logged]) wait.catch(() => {})
      await Promise.race([printed, logged, ended])
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    } finally {
      // from here on the end is no surprise
      ended.catch(() => {})
    }
  }

  /** What it says when it listens, line by line. */
  get banner(): readonly string[] {
    const line = this.stderr.items.find((text) => text.startsWith('{') && text.includes(listen))
    if (line === undefined) return this.stdout.items
    // The type of this line of the log.
    const { urls, addresses } = JSON.parse(line) as { urls: string[]; addresses: string[] }
    return [...urls.map((url) => listen + url), ...addresses.map((address) => give + address)]
  }

  /** Messages of a JSON log. */
  get messages(): readonly string[] {
    return this.stderr.items.map((line) => (JSON.parse(line) as { msg: string }).msg)
  }

  /** `http://<host>:<port>`, or `https://…` */
  get url(): string {
    return String(this.banner[0]).slice(listen.length)
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** The first of the addresses it names for clients. */
  get multiaddr(): string {
    return String(this.banner.find((line) => line.startsWith(give))).slice(give.length)
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
