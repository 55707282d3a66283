import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { OpenSender } from '../load/sender.js'
import { endChild, profileFlags } from '../processes/remote-process.js'
import type { Pair } from '../wire/pair.js'
import type { ProbeAnswer, ProbeRequest } from './probe.js'
import { readProcUsage, type Usage } from './usage.js'

/** How a server is started and reached. */
export interface ServerCommand {
  /** Arguments of node. */
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Of servers that relay WebSocket frames. */
  openPair?: (port: number) => Promise<Pair>
  /** Of others; they are given what the server listens on. */
  openSender?: (listening: string) => OpenSender
  /** Whether peers have to sign when they join. */
  challenge?: boolean
}

/** A server under measurement, in a process of its own. */
export interface RunningServer {
  readonly port: number
  /** What it said it listens on. */
  readonly listening: string
  readonly challenge: boolean
  /** Of servers that relay no WebSocket frames. */
  readonly openSender: OpenSender | undefined
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

/**
 * Starts a server and waits until it says `Listening on:`.
 *
 * @param options - the folder that its profile is written to, if it is to be profiled, and the profile's name
 */
export async function startServer(
  command: ServerCommand,
  { role = 'server', profiles }: { role?: string; profiles?: string | undefined } = {}
): Promise<RunningServer> {
  const flags = [...profileFlags({ role, profiles }), '--import', PROBE]
  const child = spawn(process.execPath, [...flags, ...command.args], {
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
    challenge: command.challenge === true,
    openSender: command.openSender?.(listening),
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
      await endChild(child, () => child.kill('SIGTERM'))
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
