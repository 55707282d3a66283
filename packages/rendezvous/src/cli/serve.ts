import { randomBytes } from 'node:crypto'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { StartAbortedError } from '../errors.js'
import { createLogger, isPrettyLog, type Logger } from '../logger.js'
import type { ResolvedOptions } from '../option-types.js'
import { InvalidOptionsError } from '../options.js'
import { createRendezvous, logFailedReload, type Rendezvous, type RendezvousAddress } from '../rendezvous.js'
import { LogBanner, TextBanner, type Banner } from './banner.js'
import type { ServeRequest } from './command-line.js'
import { optionSurfaces } from './option-surface.js'
import type { Signals } from './signals.js'
import { UsageError, usageErrorOf, type DescribeOption } from './usage-error.js'

const TOKEN_BYTES = 18

/** @throws {UsageError} if the options do not let the server start */
export async function serve(request: ServeRequest, signals: Signals): Promise<void> {
  const { options } = request
  const logger = createLogger(options.logLevel, options.logFormat)
  const isText = process.stdout.isTTY || isPrettyLog(options.logFormat)
  const banner = isText ? new TextBanner() : new LogBanner(logger)
  const running = await startServer(request, signals, { logger, banner })
  if (running === undefined) return
  const { server, generatedToken } = running
  banner.listening(urlsOf(server.address()), multiaddrsForClients(server))
  if (options.adminToken === undefined) banner.token(generatedToken)
  if (options.cryptoChallenge && server.names.length === 0) {
    logger.warn(
      'no public address is set: a hostile server that a user joins can join here as that user; name the address that clients use, such as --public-address /dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
    )
  }
}

export interface RunningServer {
  server: Rendezvous
  /** Undefined if the operator gave an admin token, or if none can be shown: a token must not end up in a log. */
  generatedToken: string | undefined
}

/** How the server talks to its operator. */
export interface Messages {
  logger: Logger
  banner: Banner
}

/**
 * Starts a server that signals control. Returns undefined if one of them stops it before it listens.
 *
 * @throws {UsageError}
 */
export async function startServer(
  { options, warnings, describe }: ServeRequest,
  signals: Signals,
  { logger, banner }: Messages
): Promise<RunningServer | undefined> {
  // Without a listener, the error would end the process.
  process.stdout.on('error', ({ message: why }) => logger.warn({ why }, 'a line for standard output was lost'))
  for (const warning of warnings) logger.warn(warning)
  const isGenerated = options.adminToken === undefined && process.stdout.isTTY
  const generatedToken = isGenerated ? randomBytes(TOKEN_BYTES).toString('base64url') : undefined
  try {
    const server = createRendezvous({ ...options, adminToken: options.adminToken ?? generatedToken, logger })
    // Before it starts: that takes seconds while Redis is out of reach.
    signals.control({ stop: stopperOf(server, banner), reload: () => reload(server, logger) })
    await server.start()
    return signals.isStopping ? undefined : { server, generatedToken }
  } catch (error) {
    if (error instanceof StartAbortedError) return undefined
    throw explain(error, options, describe)
  }
}

function stopperOf(server: Rendezvous, banner: Banner): (isGentle: boolean) => void {
  let isStopped = false
  return (isGentle) => {
    void (isGentle ? server.drain() : server.stop()).then(() => {
      if (!isStopped) banner.stopped()
      isStopped = true
    })
  }
}

function reload(server: Rendezvous, logger: Logger): void {
  try {
    server.reload()
  } catch (error) {
    logFailedReload(logger, error)
  }
}

/** Returns the URLs that a server listens on: `::` stands for the addresses of both families. */
function urlsOf({ host, url }: RendezvousAddress): string[] {
  return host === '::' ? [url.replace('[::]', '0.0.0.0'), url] : [url]
}

function multiaddrsForClients(server: Rendezvous): string[] {
  if (server.options.publicAddresses.length > 0) return server.options.publicAddresses
  const { multiaddr } = server.address()
  const suffix = multiaddr.slice(multiaddr.indexOf('/tcp/'))
  const names = server.names.filter((name) => !name.startsWith('*'))
  return [...names.map((name) => `/dns4/${name}${suffix}`), ...multiaddrsOfMachine(server)]
}

function multiaddrsOfMachine(server: Rendezvous): string[] {
  const { host, multiaddr } = server.address()
  if (!isWildcard(host)) return [multiaddr]
  const suffix = multiaddr.slice(multiaddr.indexOf('/tcp/'))
  const hosts = ownAddresses().filter(({ family }) => family === 'IPv4' || host === '::')
  return hosts.map(({ family, address }) => `/${family === 'IPv4' ? 'ip4' : 'ip6'}/${address}${suffix}`)
}

/** Returns whether a server that listens there listens on all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Returns the addresses of this machine, loopback included; link-local ones are valid on one link only. */
export function ownAddresses(): NetworkInterfaceInfo[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ address }) => !address.startsWith('fe80'))
  )
}

function explain(error: unknown, { port }: ResolvedOptions, describe: DescribeOption): unknown {
  if (error instanceof InvalidOptionsError) return usageErrorOf(error, optionSurfaces(), describe)
  if (!(error instanceof Error && 'code' in error)) return error
  switch (error.code) {
    case 'EADDRINUSE':
      return new UsageError(`${describe(['port'])}: port ${port} is in use; choose another, or 0 for any free port`, {
        cause: error
      })
    case 'EACCES':
      return new UsageError(`${describe(['port'])}: this user may not listen on port ${port}; choose one above 1023`, {
        cause: error
      })
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UsageError(
        `${describe(['host'])}: this is not an address of this machine; :: listens on all of them`,
        { cause: error }
      )
    case 'ERR_REDIS': {
      const why = error.cause instanceof Error ? `: ${error.cause.message}` : ''
      return new UsageError(`${describe(['redis'])}: ${error.message}${why}`, { cause: error })
    }
    default:
      return error
  }
}
