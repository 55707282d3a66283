import type { RedisServer } from '@websocket-star/testkit/processes'

export interface EngineReport {
  /** User and system time, in microseconds. */
  cpu: number
  /** Bytes it has allocated now, and at most so far. */
  memory: number
  peakMemory: number
}

const MICROSECONDS = 1e6

/** Returns what a Redis has used, by its own account. */
export async function reportOf(redis: RedisServer): Promise<EngineReport> {
  const info = await redis.info()
  return {
    cpu: (Number(info['used_cpu_user']) + Number(info['used_cpu_sys'])) * MICROSECONDS,
    memory: Number(info['used_memory']),
    peakMemory: Number(info['used_memory_peak'])
  }
}
