import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AnswerOf, Call, Commands, Remote } from './serve.js'

const START_TIMEOUT = 60_000
const ANSWER_TIMEOUT = 120_000
const STOP_TIMEOUT = 10_000
const ERROR_LENGTH = 2000
/** Microseconds. */
const PROFILE_INTERVAL = 200

export interface ProcessOptions {
  /** What the process is to its trial. */
  role: string
  /** The folder that its profile is written to, if it is to be profiled. */
  profiles?: string | undefined
}

/** A process of a trial that carries out commands, one at a time. If it ends by itself the trial fails. */
export class RemoteProcess<All extends Commands> implements Remote<All> {
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
   * Starts a process, and returns when it is ready.
   *
   * @param module - what it runs
   * @param setup - what it is started with
   */
  static async start<All extends Commands>(
    module: URL,
    setup: object,
    options: ProcessOptions
  ): Promise<RemoteProcess<All>> {
    const child = fork(module, [JSON.stringify(setup)], {
      execArgv: profileFlags(options),
      stdio: ['ignore', 'inherit', 'pipe', 'ipc']
    })
    const remote = new RemoteProcess<All>(child, options.role)
    await remote.#answer(START_TIMEOUT)
    return remote
  }

  async call<Name extends keyof All & string>(
    name: Name,
    ...[argument]: Parameters<All[Name]>
  ): Promise<AnswerOf<All, Name>> {
    const answer = this.#answer(ANSWER_TIMEOUT)
    this.#child.send({ name, argument } satisfies Call)
    return (await answer) as AnswerOf<All, Name> // one command at a time: this is its answer
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await endChild(this.#child, () => this.#child.disconnect())
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

/** Asks a process to end, and kills it if it does not. Returns when it is gone. */
export async function endChild(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
  ask()
  await exit
  clearTimeout(timer)
}

/** Returns the flags of a node that is to write a profile named after its role. */
export function profileFlags({ role, profiles }: ProcessOptions): string[] {
  if (profiles === undefined) return []
  const into = [`--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${role}.cpuprofile`]
  return ['--cpu-prof', ...into, `--cpu-prof-interval=${PROFILE_INTERVAL}`]
}
