import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { OpenSender } from '../load/sender.js'
import type { Pair } from '../wire/pair.js'
import type { ProbeAnswer, ProbeRequest } from './probe.js'
import { readProcUsage, type Usage } from './usage.js'

/** How a server is started and reached. */
export interface ServerCommand {
  /** Arguments of node. */
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Default: the node that runs this. */
  node?: string
  /** Of servers that relay WebSocket frames. */
  openPair?: (port: number) => Promise<Pair>
  /** Of others. */
  openSender?: (server: RunningServer) => OpenSender
}

/** A server under measurement, in a process of its own. */
export interface RunningServer {
  readonly port: number
  /** What it said it listens on. */
  readonly listening: string
  openPair(): Promise<Pair>
  /** As the operating system counts it. */
  usage(): Promise<Usage>
  /** Bytes of the heap in use after a full collection. */
  heapUsed(): Promise<number>
  stop(): Promise<void>
}

const PROBE = new URL('./probe.js', import.meta.url).href
const START_TIMEOUT = 30_000
const PROBE_TIMEOUT = 60_000
const STOP_TIMEOUT = 10_000

/** Starts a server and waits until it says `Listening on:`. */
export async function startServer(command: ServerCommand, nodeFlags: readonly string[] = []): Promise<RunningServer> {
  const child = spawn(command.node ?? process.execPath, [...nodeFlags, '--import', PROBE, ...command.args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...command.env }
  })
  const errors: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  let stopping = false
  child.once('exit', (code, signal) => {
    if (!stopping) throw new Error(`the server ended by itself (${signal ?? code}): ${errors.join('').slice(-2000)}`)
  })
  const listening = await said(child, 'Listening on: ', errors)
  const pid = child.pid ?? 0
  const pairs: Pair[] = []
  const port = Number(/:(\d+)\/?$/.exec(listening)?.[1] ?? /\/tcp\/(\d+)/.exec(listening)?.[1])
  return {
    port,
    listening,
    openPair: async () => {
      const pair = await command.openPair?.(port)
      if (pair === undefined) throw new Error('this server relays no WebSocket frames')
      pairs.push(pair)
      return pair
    },
    usage: async () => (process.platform === 'linux' ? readProcUsage(pid) : await ask(child, 'usage')),
    heapUsed: async () => (await ask(child, 'heap')).heapUsed,
    stop: async () => {
      stopping = true
      for (const pair of pairs) {
        pair.near.close()
        pair.far.close()
      }
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
      child.kill('SIGTERM')
      await exit
      clearTimeout(timer)
    }
  }
}

async function said(child: ChildProcess, start: string, errors: readonly string[]): Promise<string> {
  if (child.stdout === null) throw new Error('the output of the server cannot be read')
  const lines = createInterface(child.stdout)
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the server did not start: ${errors.join('')}`)),
      START_TIMEOUT
    ).unref()
    lines.on('line', (line) => {
      if (!line.startsWith(start)) return
      clearTimeout(timer)
      resolve(line.slice(start.length).trim())
    })
  })
}

/** Asks the probe inside the server. */
async function ask<Kind extends ProbeRequest>(child: ChildProcess, kind: Kind): Promise<ProbeAnswer & { kind: Kind }> {
  const answer = once(child, 'message', { signal: AbortSignal.timeout(PROBE_TIMEOUT) })
  child.send(kind)
  try {
    const [message] = (await answer) as [ProbeAnswer & { kind: Kind }] // one request at a time: this is its answer
    return message
  } catch (error) {
    throw new Error(`the server's process cannot be asked for its ${kind}, and this system has no /proc`, {
      cause: error
    })
  }
}
