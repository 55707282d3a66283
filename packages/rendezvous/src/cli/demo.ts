import { createLogger } from '../logger.js'
import { NO_TOKEN, TextBanner } from './banner.js'
import { isLoopbackName } from '../names/host-names.js'
import type { RendezvousAddress } from '../rendezvous.js'
import type { DemoRequest } from './command-line.js'
import { qrText } from './qr-text.js'
import { isWildcard, ownAddresses, startServer, type RunningServer } from './serve.js'
import type { Signals } from './signals.js'
import { UsageError } from './usage-error.js'

/** @throws {UsageError} if the options do not let the server start */
export async function demo(request: DemoRequest, signals: Signals): Promise<void> {
  const running = await startOnAnyPort(forOwnPages(request), signals)
  if (running === undefined) return
  signals.endOnHangup()
  const { server, generatedToken } = running
  const [url = '', ...others] = urlsForBrowsers(server.address())
  const isReachable = !isLoopbackName(new URL(url).hostname.replace(/^\[|\]$/g, ''))
  const lines = [
    `Open this in two tabs: ${url}try`,
    ...others.map((other) => `or, if that does not open: ${other}try`),
    '',
    ...(isReachable
      ? [qrText(`${url}try`, process.stdout.isTTY), 'Scan the code with a phone on the same network.']
      : [whyOnlyHere(request)]),
    '',
    `Status page: ${url}`,
    ...(request.options.adminToken === undefined ? [`Admin token: ${generatedToken ?? NO_TOKEN}`] : []),
    'Ctrl-C stops it.'
  ]
  console.log(lines.join('\n'))
}

function whyOnlyHere({ allowsLocalNetwork }: DemoRequest): string {
  return allowsLocalNetwork
    ? 'Only this machine can connect: it has no address on a network.'
    : 'Only this machine can connect. With --lan, phones on the same network can connect too, by a code to scan.'
}

/** Rejects other web sites that are open in the same browser, unless some origins were named. */
function forOwnPages(request: DemoRequest): DemoRequest {
  const { options } = request
  return options.allowedOrigins.length > 0 ? request : { ...request, options: { ...options, allowedOrigins: ['self'] } }
}

async function startOnAnyPort(request: DemoRequest, signals: Signals): Promise<RunningServer | undefined> {
  const { logLevel, logFormat } = request.options
  const messages = { logger: createLogger(logLevel, logFormat), banner: new TextBanner() }
  try {
    return await startServer(request, signals, messages)
  } catch (error) {
    if (!request.anyPort || !isPortInUse(error)) throw error
    const onFreePort = { ...request, warnings: [], options: { ...request.options, port: 0 } }
    return await startServer(onFreePort, signals, messages)
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

/** Returns the URLs that a browser can open; those for other devices come first. */
function urlsForBrowsers({ url, host, port }: RendezvousAddress): string[] {
  if (!isWildcard(host)) return [`${url}/`]
  const { protocol } = new URL(url)
  const hosts = ownAddresses().filter(({ family, internal }) => family === 'IPv4' && !internal)
  return [...hosts.map(({ address }) => address), ...(hosts.length === 0 ? ['127.0.0.1'] : [])].map(
    (address) => `${protocol}//${address}:${port}/`
  )
}
