import { fileURLToPath } from 'node:url'
import { within } from '@websocket-star/testkit'
import { LineProcess, type Environment, type Exit, type Runtime } from './line-process.js'

const script = fileURLToPath(new URL('../../packages/rendezvous/dist/cli/main.js', import.meta.url))

/** Before each address that the server names for its clients. */
const give = 'Give clients: '

/** The command line of the server as a process of its own. */
export class Command extends LineProcess {
  /** @param runtime - what runs it */
  constructor(args: readonly string[], env: Environment = {}, runtime: Runtime = [process.execPath]) {
    super(runtime, script, args, env)
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
