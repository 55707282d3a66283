import { fileURLToPath } from 'node:url'
import { within } from '@websocket-star/testkit'
import { LineProcess, type Environment, type Runtime } from './line-process.js'

const libp2pPeer = fileURLToPath(new URL('./echo-peer.js', import.meta.url))

/** The Node that runs the tests, with what it may lack. */
export const CURRENT: Runtime = [
  process.execPath,
  '--import',
  new URL('./promise-with-resolvers.js', import.meta.url).href
]

/** A peer in a process of its own, which says one JSON text a line: a node of libp2p, unless another script is given. */
export class PeerProcess extends LineProcess {
  constructor(runtime: Runtime, args: readonly string[], env: Environment = {}, script: string = libp2pPeer) {
    super(runtime, script, args, env)
  }

  /** What it says next. */
  async next(what: string): Promise<Record<string, unknown>> {
    const ended = this.exit.then(({ code }) => {
      throw new Error(`It ended with ${code} before ${what}:\n${this.stderr.items.join('\n')}`)
    })
    // it may end later, as it should
    ended.catch(() => {})
    return JSON.parse(await Promise.race([this.stdout.next(what), ended])) as Record<string, unknown>
  }

  /** Lets one that listens leave. @returns the code it ends with, null if it was killed */
  async leave(): Promise<number | null> {
    this.child.stdin?.end()
    return (await within('the end of a process', this.exit)).code
  }
}
