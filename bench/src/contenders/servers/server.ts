import { readProcUsage, type Usage } from '@websocket-star/testkit/processes'
import type { OpenSender } from '../../loads/sockets/sender.js'
import { RemoteProcess, type ProcessOptions } from '../../processes/remote-process.js'
import type { Pair } from '../../wire/pair.js'
import type { Probe } from './probe.js'

/** How a server is started and reached. */
export interface ServerCommand {
  /** The script, and what it is called with. */
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

/** Starts a server and waits until it says `Listening on:`. */
export async function startServer(
  { args: [script = '', ...args], env, challenge = false, ...open }: ServerCommand,
  { role = 'server', profiles }: Partial<ProcessOptions> = {}
): Promise<RunningServer> {
  const flags = ['--import', PROBE]
  const server = await RemoteProcess.run<Probe>(script, args, { role, profiles, flags, env, isRead: true })
  const listening = await server.said('Listening on: ')
  const pairs: Pair[] = []
  const port = Number(/:(\d+)\/?$/.exec(listening)?.[1] ?? /\/tcp\/(\d+)/.exec(listening)?.[1])
  return {
    port,
    listening,
    challenge,
    openSender: open.openSender?.(listening),
    openPair: async () => {
      const pair = await open.openPair?.(port)
      if (pair === undefined) throw new Error('this server relays no WebSocket frames')
      pairs.push(pair)
      return pair
    },
    usage: async () => (process.platform === 'linux' ? readProcUsage(server.pid) : await server.call('usage')),
    heapUsed: () => server.call('heapUsed'),
    stop: async () => {
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.close()
      await server.stop('SIGTERM')
    }
  }
}
