import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'

const LOWEST = 10_000

/**
 * A TCP port of the loopback interface that is free, and no system gives to outgoing connections: a server that goes and
 * comes back finds it free again. From a port of that kind, those who try to reconnect would connect to themselves.
 */
export async function freePort(): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '32768')
  const limit = Math.max(Number.parseInt(range, 10), LOWEST + 1000)
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (limit - LOWEST))
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
