import { freePort } from '../../contenders/servers/commands.js'
import { RemoteProcess } from '../../processes/remote-process.js'
import type { EngineProcess, EngineReport, EngineSetup } from './engine-process.js'

/** A redis-server of a trial's own, which keeps nothing on disk. */
export interface Engine {
  readonly url: string
  report(): Promise<EngineReport>
  stop(): Promise<void>
}

const ENGINE_PROCESS = new URL('./engine-process.js', import.meta.url)

export async function startEngine(): Promise<Engine> {
  const setup: EngineSetup = { port: await freePort() }
  const process = await RemoteProcess.start<EngineProcess>(ENGINE_PROCESS, setup, { role: 'engine' })
  return {
    url: `redis://127.0.0.1:${setup.port}`,
    report: () => process.call('report'),
    stop: () => process.stop()
  }
}
