import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'

type Connect = (url: string, options: object) => unknown

/**
 * Takes real legacy clients to a server that they trust, whatever name they look for, until the test is over.
 *
 * @returns the URLs that they looked for
 */
export function leadLegacyClients(server: string, ca: string): string[] {
  const wanted: string[] = []
  const require = createRequire(import.meta.url)
  const requireAs = createRequire(require.resolve('libp2p-websocket-star/package.json'))
  const io: { connect: Connect } = requireAs('socket.io-client')
  const { connect } = io
  io.connect = (url, options) => {
    wanted.push(url)
    return connect(server, { ...options, ca })
  }
  onTestFinished(() => {
    io.connect = connect
  })
  return wanted
}
