import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
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

interface RunOptions extends ProcessOptions {
  /** Flags of its node. */
  flags?: readonly string[]
  env?: Readonly<Record<string, string>> | undefined
  /** Whether what it prints is read here. */
  isRead?: boolean
}

/** A process of a trial that carries out commands, one at a time. If it ends by itself the trial fails. */
export class RemoteProcess<All extends Commands> implements Remote<All> {
  readonly #child: ChildProcess
  readonly #role: string
  #errors = ''
  #stopping = false

  private constructor(child: ChildProcess, role: string) {
    this.#child = child
    this.#role = role
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-ERROR_LENGTH)
    })
    child.once('close', (code, signal) => {
      if (!this.#stopping) throw new Error(`the ${role} ended by itself (${signal ?? code}): ${this.#errors}`)
    })
  }

  /**
   * Starts a process of this package, and returns when it is ready.
   *
   * @param setup - what it asks for by `setupOf`
   */
  static start<All extends Commands>(module: URL, setup: object, options: ProcessOptions): Promise<RemoteProcess<All>> {
    return RemoteProcess.run<All>(fileURLToPath(module), [JSON.stringify(setup)], options)
  }

  /** Runs a script by node, and returns when it says that it takes commands. */
  static async run<All extends Commands>(
    script: string,
    args: readonly string[],
    { flags = [], env, isRead = false, ...options }: RunOptions
  ): Promise<RemoteProcess<All>> {
    const child = fork(script, args, {
      execArgv: [...profileFlags(options), ...flags],
      env: { ...process.env, ...env },
      stdio: ['ignore', isRead ? 'pipe' : 'inherit', 'pipe', 'ipc']
    })
    const remote = new RemoteProcess<All>(child, options.role)
    await remote.#answer(START_TIMEOUT)
    return remote
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Returns the rest of the first line that the process prints with this beginning. */
  async said(beginning: string): Promise<string> {
    const { stdout } = this.#child
    if (stdout === null) throw new Error(`what the ${this.#role} prints is not read`)
    return await new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the ${this.#role} did not start: ${this.#errors}`))
      const timer = setTimeout(fail, START_TIMEOUT).unref()
      // What comes later is read too, so that the process can go on printing.
      createInterface(stdout).on('line', (line) => {
        if (!line.startsWith(beginning)) return
        clearTimeout(timer)
        resolve(line.slice(beginning.length).trim())
      })
    })
  }

  async call<Name extends keyof All & string>(
    name: Name,
    ...[argument]: Parameters<All[Name]>
  ): Promise<AnswerOf<All, Name>> {
    const answer = this.#answer(ANSWER_TIMEOUT)
    this.#child.send({ name, argument } satisfies Call)
    return (await answer) as AnswerOf<All, Name> // one command at a time: this is its answer
  }

  /** Asks the process to end, by a signal or by leaving it, and kills it if it does not. Returns when it is gone. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#stopping = true
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
    if (signal === undefined) child.disconnect()
    else child.kill(signal)
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

/** Returns the flags of a node that is to write a profile named after its role. */
function profileFlags({ role, profiles }: ProcessOptions): string[] {
  if (profiles === undefined) return []
  const into = [`--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${role}.cpuprofile`]
  return ['--cpu-prof', ...into, `--cpu-prof-interval=${PROFILE_INTERVAL}`]
}
