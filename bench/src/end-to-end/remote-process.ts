import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { profileFlags } from '../trial.js'

const START_TIMEOUT = 60_000
const ANSWER_TIMEOUT = 120_000
const STOP_TIMEOUT = 10_000
const ERROR_LENGTH = 2000

export interface ProcessOptions {
  /** What the process is to its trial. */
  role: string
  /** The folder that its profile is written to, if it is to be profiled. */
  profiles?: string | undefined
}

/** A process of a trial that answers commands, one at a time. If it ends by itself the trial fails. */
export class RemoteProcess<Command extends object, Answer> {
  readonly #child: ChildProcess
  readonly #role: string
  #stopping = false

  private constructor(child: ChildProcess, role: string) {
    this.#child = child
    this.#role = role
    let errors = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-ERROR_LENGTH)))
    child.once('close', (code, signal) => {
      if (!this.#stopping) throw new Error(`the ${role} ended by itself (${signal ?? code}): ${errors}`)
    })
  }

  /**
   * @param module - what it runs
   * @param setup - what it is started with
   * @returns the process, and what it said when it was ready
   */
  static async start<Command extends object, Answer, Ready>(
    module: URL,
    setup: object,
    { role, profiles }: ProcessOptions
  ): Promise<[process: RemoteProcess<Command, Answer>, ready: Ready]> {
    const child = fork(module, [JSON.stringify(setup)], {
      execArgv: profileFlags(profiles, role),
      stdio: ['ignore', 'inherit', 'pipe', 'ipc']
    })
    const remote = new RemoteProcess<Command, Answer>(child, role)
    return [remote, (await remote.#answer(START_TIMEOUT)) as Ready] // the first thing it says
  }

  async ask(command: Command): Promise<Answer> {
    const answer = this.#answer(ANSWER_TIMEOUT)
    this.#child.send(command)
    return (await answer) as Answer // one command at a time: this is its answer
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT)
    this.#child.disconnect()
    await exit
    clearTimeout(timer)
  }

  async #answer(timeout: number): Promise<unknown> {
    try {
      const [message] = await once(this.#child, 'message', { signal: AbortSignal.timeout(timeout) })
      return message
    } catch (cause) {
      throw new Error(`the ${this.#role} does not answer`, { cause })
    }
  }
}
