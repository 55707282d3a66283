import type { Conditions, Contender, Measure } from '../../harness/measure.js'
import { startServer, type RunningServer, type ServerCommand } from './server.js'

/** A server that is measured; what it is started with may depend on the case. */
export interface ServerContender<Of = unknown> extends Contender {
  command(of: Of): ServerCommand | Promise<ServerCommand>
}

/** Returns a function that starts the contender's server, measures, and stops it. */
export function onServer<Of, Figures>(
  measure: (server: RunningServer, of: Of, conditions: Conditions) => Promise<Figures>
): Measure<Of, ServerContender<Of>, Figures> {
  return async (of, { contender, ...conditions }) => {
    const server = await startServer(await contender.command(of), conditions)
    try {
      return await measure(server, of, conditions)
    } finally {
      await server.stop()
    }
  }
}
