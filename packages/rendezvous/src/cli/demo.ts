import { createLogger } from '../logger.js'
import type { DemoRequest } from './command-line.js'
import { qrText } from './qr-text.js'
import { ownAddresses, startServer, type RunningServer } from './serve.js'
import type { Signals } from './signals.js'
import { UsageError } from './usage-error.js'

/** @throws {UsageError} if the options do not let the server start */
export async function demo(request: DemoRequest, signals: Signals): Promise<void> {
  const running = await startOnAnyPort(forOwnPages(request), signals)
  if (running === undefined) return
  signals.endOnHangup()
  const { server, generatedToken } = running
  const [url, ...others] = urlsForBrowsers(server.address(), request.allowsLocalNetwork)
  const lines = [
    `Open this in two tabs: ${url}try`,
    ...others.map((other) => `or, if that does not open: ${other}try`),
    '',
    qrText(`${url}try`, process.stdout.isTTY === true),
    request.allowsLocalNetwork
      ? 'Scan the code with a phone on the same network.'
      : 'Only this machine can connect. Add --lan to let phones on the same network connect too; they can then scan the code.',
    '',
    `Status page: ${url}`,
    ...(generatedToken === undefined ? [] : [`Admin token: ${generatedToken}`]),
    'Ctrl-C stops it.'
  ]
  console.log(lines.join('\n'))
}

/** Rejects other web sites that are open in the same browser, unless some origins were named. */
function forOwnPages(request: DemoRequest): DemoRequest {
  const { options } = request
  return options.allowedOrigins.length > 0 ? request : { ...request, options: { ...options, allowedOrigins: ['self'] } }
}

async function startOnAnyPort(request: DemoRequest, signals: Signals): Promise<RunningServer | undefined> {
  const { logLevel, logFormat } = request.options
  const logger = createLogger(logLevel, logFormat)
  try {
    return await startServer(request, signals, logger)
  } catch (error) {
    if (!request.anyPort || !isPortInUse(error)) throw error
    const onFreePort = { ...request, warnings: [], options: { ...request.options, port: 0 } }
    return await startServer(onFreePort, signals, logger)
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

function urlsForBrowsers({ url, port }: { url: string; port: number }, allowsLocalNetwork: boolean): string[] {
  const { protocol } = new URL(url)
  if (!allowsLocalNetwork) return [`${url}/`]
  const hosts = ownAddresses().filter(({ family, internal }) => family === 'IPv4' && !internal)
  return hosts.length === 0
    ? [`${protocol}//127.0.0.1:${port}/`]
    : hosts.map(({ address }) => `${protocol}//${address}:${port}/`)
}
