/**
 * Preloaded into each server that is measured. It does nothing unless the process that started the server asks for what only
 * the server's own process can tell.
 */
import v8 from 'node:v8'
import vm from 'node:vm'
import type { Usage } from '@websocket-star/testkit/processes'
import { endWithParent, serve } from '../../processes/serve.js'

const commands = {
  /** As {@link process.resourceUsage} has it. */
  usage: (): Usage => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    return {
      cpu: userCPUTime + systemCPUTime,
      rss: process.memoryUsage.rss(),
      peakRss: maxRSS * 1024,
      reads: Number.NaN,
      writes: Number.NaN
    }
  },
  /**
   * Returns bytes in use after a full collection, without the code that V8 compiles, which grows for as long as it finds
   * something to optimise.
   */
  heapUsed: (): number => {
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc') as () => void // what the flag exposes
    collect()
    collect()
    return process.memoryUsage().heapUsed - codeSize()
  }
}

export type Probe = typeof commands

function codeSize(): number {
  const spaces = v8.getHeapSpaceStatistics().filter(({ space_name }) => space_name.includes('code'))
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}

endWithParent()
serve(commands)
// The probe must not keep a server alive.
process.channel?.unref()
