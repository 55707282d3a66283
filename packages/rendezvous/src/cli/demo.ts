import { createLogger } from '../logger.js'
import { UsageError, type DemoRequest } from './command-line.js'
import { qrText } from './qr-text.js'
import { ownAddresses, startServer, type Served } from './serve.js'

/**
 * Runs a server to try things with, until it is told to stop: nobody but this machine reaches it, unless other devices
 * of the local network are to.
 *
 * @throws {UsageError} if it cannot start with what it was given
 */
export async function demo(request: DemoRequest): Promise<void> {
  const { server, madeToken } = await startOnAnyPort(forOwnPages(request))
  const [url, ...others] = urlsOf(server.address(), request.lan)
  const lines = [
    `Open this in two tabs: ${url}try`,
    ...others.map((other) => `or, if that is not reached: ${other}try`),
    '',
    qrText(`${url}try`, process.stdout.isTTY === true),
    request.lan
      ? 'A phone of the same network opens it by this code.'
      : 'Only this machine reaches it. With --lan a phone of the same network does too, by the code that is shown then.',
    '',
    `Status page: ${url}`,
    ...(madeToken === undefined ? [] : [`Admin token: ${madeToken}`]),
    'Ctrl-C stops it.'
  ]
  console.log(lines.join('\n'))
}

/** Keeps out the other web sites that are open in the same browser, unless some are named. */
function forOwnPages(request: DemoRequest): DemoRequest {
  const { options } = request
  return options.allowedOrigins.length > 0 ? request : { ...request, options: { ...options, allowedOrigins: ['self'] } }
}

async function startOnAnyPort(request: DemoRequest): Promise<Served> {
  const { logLevel, logFormat } = request.options
  const logger = createLogger(logLevel, logFormat)
  // That it has no public address goes without saying.
  try {
    return await startServer(request, logger)
  } catch (error) {
    if (!request.anyPort || !isPortInUse(error)) throw error
    return await startServer({ ...request, warnings: [], options: { ...request.options, port: 0 } }, logger)
  }
}

function isPortInUse(error: unknown): boolean {
  return (
    error instanceof UsageError &&
    error.cause instanceof Error &&
    'code' in error.cause &&
    error.cause.code === 'EADDRINUSE'
  )
}

/** Where a browser finds it: on the local network under the address of this machine there. */
function urlsOf({ url, port }: { url: string; port: number }, lan: boolean): string[] {
  const { protocol } = new URL(url)
  if (!lan) return [`${url}/`]
  const hosts = ownAddresses().filter(({ family, internal }) => family === 'IPv4' && !internal)
  return hosts.length === 0
    ? [`${protocol}//127.0.0.1:${port}/`]
    : hosts.map(({ address }) => `${protocol}//${address}:${port}/`)
}
