import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Inbox, within } from '@websocket-star/testkit'

const libp2pPeer = fileURLToPath(new URL('./echo-peer.js', import.meta.url))

/** What runs a program: a Node or another runtime, and options for it. */
export type Runtime = readonly [binary: string, ...options: string[]]

/** The Node that runs the tests, with what it may lack. */
export const CURRENT: Runtime = [
  process.execPath,
  '--import',
  new URL('./promise-with-resolvers.js', import.meta.url).href
]

/** A peer in a process of its own: a node of libp2p, `echo-peer.js`, unless another script is given. */
export class PeerProcess implements AsyncDisposable {
  /** One JSON text a line. */
  readonly stdout = new Inbox<string>()
  readonly stderr: string[] = []
  /** The code it ends with; null if it was killed. */
  readonly exit: Promise<number | null>
  readonly #child: ChildProcess

  constructor(
    [binary, ...options]: Runtime,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    script: string = libp2pPeer
  ) {
    const child = spawn(binary, [...options, script, ...args], { env: { PATH: process.env['PATH'], ...env } })
    createInterface({ input: child.stdout }).on('line', (line) => this.stdout.push(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.stderr.push(line))
    this.exit = new Promise((resolve) => child.once('close', resolve))
    this.#child = child
  }

  /** What it says next. */
  async next(what: string): Promise<Record<string, unknown>> {
    const ended = this.exit.then((code) => {
      throw new Error(`It ended with ${code} before ${what}:\n${this.stderr.join('\n')}`)
    })
    // it may end later, as it should
    ended.catch(() => {})
    return JSON.parse(await Promise.race([this.stdout.next(what), ended])) as Record<string, unknown>
  }

  /** Lets one that listens leave. @returns the code it ends with */
  async leave(): Promise<number | null> {
    this.#child.stdin?.end()
    return await within('the end of a process', this.exit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exit
  }
}
