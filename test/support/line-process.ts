import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Inbox, within } from '@websocket-star/testkit'

/** What runs a script: a Node or another runtime, and options for it. */
export type Runtime = readonly [binary: string, ...options: string[]]

/** All that a process sees of any environment, but for the path. */
export type Environment = Readonly<Record<string, string>>

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A script in a process of its own. */
export class LineProcess implements AsyncDisposable {
  /** Lines, as they come. */
  readonly stdout = new Inbox<string>()
  readonly stderr = new Inbox<string>()
  /** Resolves once the process is gone and all it said has come. */
  readonly exit: Promise<Exit>
  readonly child: ChildProcess

  constructor([binary, ...options]: Runtime, script: string, args: readonly string[], env: Environment) {
    const child = spawn(binary, [...options, script, ...args], { env: { PATH: process.env['PATH'], ...env } })
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
