/** Runs one trial of `bench relay`. */
import type { Case, Figures, RelayTrial } from './cases.js'
import { measureDials } from './load/dials.js'
import { measureLatency } from './load/latency.js'
import { measureMemory } from './load/memory.js'
import { measureThroughput } from './load/throughput.js'
import { webSocketSenders } from './load/websocket-sender.js'
import { CONTENDERS, type ContenderName } from './servers/contenders.js'
import { startServer, type RunningServer, type ServerCommand } from './servers/server.js'
import { profileFlags, serveTrial } from './trial.js'

await serveTrial<Case, ContenderName, Figures>(async (trial) => {
  const command = await CONTENDERS[trial.contender].command()
  const server = await startServer(command, profileFlags(trial.profiles, 'server'))
  const figures = await measure(trial, command, server)
  await server.stop()
  return figures
}, 'the server does not announce windows')

function measure(trial: RelayTrial, command: ServerCommand, server: RunningServer): Promise<Figures | undefined> {
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
