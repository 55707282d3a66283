import type { Socket } from 'node:net'

let corked: Socket[] = []

/**
 * Holds back what is written to a socket until the data that was just read has been worked through, so that frames which
 * came together leave together: with small messages, system calls are what costs.
 */
export function corkForTick(socket: Socket): void {
  if (socket.writableCorked > 0) return
  socket.cork()
  if (corked.push(socket) === 1) process.nextTick(uncorkAll)
}

function uncorkAll(): void {
  const sockets = corked
  corked = []
  for (const socket of sockets) socket.uncork()
}
