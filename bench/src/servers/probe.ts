/**
 * Preloaded into each server that is measured. It does nothing unless it is asked, over the channel of the process that
 * started the server, for what only the server's own process can tell.
 */
import v8 from 'node:v8'
import vm from 'node:vm'
import type { Usage } from './usage.js'

export type ProbeRequest = 'usage' | 'heap'

/**
 * `usage`: as {@link process.resourceUsage} has it. `heap`: bytes in use after a full collection, without the code that V8
 * compiles, which grows for as long as it finds something to optimise.
 */
export type ProbeAnswer = ({ kind: 'usage' } & Usage) | { kind: 'heap'; heapUsed: number; external: number }

process.on('message', (request: ProbeRequest) => {
  process.send?.(answer(request))
})
// The probe must not keep a server alive, nor may a server outlive the benchmark.
process.on('disconnect', () => process.exit())
process.channel?.unref()

function codeSize(): number {
  const spaces = v8.getHeapSpaceStatistics().filter(({ space_name }) => space_name.includes('code'))
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}

function answer(request: ProbeRequest): ProbeAnswer {
  if (request === 'heap') {
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc') as () => void // what the flag exposes
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return { kind: 'heap', heapUsed: heapUsed - codeSize(), external }
  }
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return {
    kind: 'usage',
    cpu: userCPUTime + systemCPUTime,
    rss: process.memoryUsage.rss(),
    peakRss: maxRSS * 1024,
    reads: Number.NaN,
    writes: Number.NaN
  }
}
