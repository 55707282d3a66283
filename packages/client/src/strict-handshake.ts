import type { Manager } from 'socket.io-client'

/** Longest timer, in milliseconds. engine.io sets one to pingInterval + pingTimeout. */
const TIMER_MAX = 2 ** 31 - 1

/** Code of the error with which the connection closes. */
export const MALFORMED_HANDSHAKE = 'malformed handshake'

/** Closes the connection on a malformed handshake, for which engine.io's client throws an exception that nothing catches. */
export function checkHandshake(engine: Manager['engine']): void {
  engine.on('packet', (packet: { type: string; data?: unknown }) => {
    if (packet.type !== 'open' || isHandshake(packet.data)) return
    // engine.io handles the packet after its event listeners.
    packet.type = 'error'
    packet.data = MALFORMED_HANDSHAKE
  })
}

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
