import type { Manager } from 'socket.io-client'

type Engine = Manager['engine']

/** Milliseconds of the longest timer there is: engine.io sets one to the sum of both. */
const TIMER_MAX = 2 ** 31 - 1

/**
 * Refuses a handshake that engine.io's client takes to be whole and fails on: an exception there is nobody's to catch, and
 * ends a Node process. Such a handshake ends the connection instead.
 */
export function checkHandshake(engine: Engine): void {
  engine.on('packet', (packet: { type: string; data?: unknown }) => {
    if (packet.type !== 'open' || isHandshake(packet.data)) return
    // engine.io handles a packet after its listeners have seen it.
    packet.type = 'error'
    packet.data = 'malformed handshake'
  })
}

/** Whether a text has what engine.io reads of a handshake. */
function isHandshake(text: unknown): boolean {
  try {
    const handshake: unknown = JSON.parse(String(text))
    if (typeof handshake !== 'object' || handshake === null) return false
    const { sid, upgrades, pingInterval, pingTimeout } = handshake as Record<string, unknown> // any object is one
    if (typeof sid !== 'string' || !Array.isArray(upgrades)) return false
    if (typeof pingInterval !== 'number' || typeof pingTimeout !== 'number') return false
    return pingInterval >= 0 && pingTimeout >= 0 && pingInterval + pingTimeout <= TIMER_MAX
  } catch {
    return false
  }
}
