/** Runs one trial, told by its argument, and tells the process that started it what came out. */
import type { Figures, Trial } from './cases.js'
import { measureDials } from './load/dials.js'
import { measureLatency } from './load/latency.js'
import { measureMemory } from './load/memory.js'
import { measureThroughput } from './load/throughput.js'
import { webSocketSenders } from './load/websocket-sender.js'
import { CONTENDERS } from './servers/contenders.js'
import { startServer, type RunningServer } from './servers/server.js'

export type TrialOutcome = { figures: Figures } | { skipped: string } | { failed: string }

const trial = JSON.parse(process.argv[2] ?? '') as Trial // written by the process that started this one

process.on('uncaughtException', (error) => finish({ failed: error.stack ?? error.message }))
process.on('disconnect', () => process.exit())

const command = await CONTENDERS[trial.contender].command()
const server = await startServer(command, trial.nodeFlags)
const figures = await measure(server)
await server.stop()
finish(figures === undefined ? { skipped: 'the server does not announce windows' } : { figures })

function measure(server: RunningServer): Promise<Figures | undefined> {
  switch (trial.case.kind) {
    case 'throughput':
      return measureThroughput(server, command.openSender?.(server) ?? webSocketSenders(server), trial.case, trial)
    case 'latency':
      return measureLatency(server, trial.case, trial)
    case 'memory':
      return measureMemory(server, trial.case)
    case 'dials':
      return measureDials(server, trial.case)
  }
}

function finish(outcome: TrialOutcome): void {
  process.send?.(outcome, () => process.exit())
}
