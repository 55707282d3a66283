import { createRequire } from 'node:module'
import type { CodecName } from '@websocket-star/streams'
import type { Sink, Source } from '../support/legacy-types.js'
import type { TestSocket } from './sockets.js'

/** A socket after the real socket.io-pull-stream has been let at it. */
export interface LegacySocket extends TestSocket {
  createSink(id?: string): Sink<unknown> & { id: string }
  createSource(id: string): Source<unknown> & { id: string }
  createProxy(id: string, to: TestSocket): void
}

/** The real socket.io-pull-stream, or a module that takes its place. */
export type AddStreams = (socket: TestSocket, options?: { codec?: CodecName }) => unknown

const require = createRequire(import.meta.url)

export const addLegacyStreams = require('socket.io-pull-stream') as AddStreams // it has no types

/** Adds the old module to a socket. Without options for all streams, or for each one, it throws. */
export function legacy(socket: TestSocket, codec: CodecName = 'plain'): LegacySocket {
  addLegacyStreams(socket, { codec })
  return socket as LegacySocket // it has just become one
}
