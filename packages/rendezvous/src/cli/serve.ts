import { randomBytes } from 'node:crypto'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { createLogger, type Logger } from '../logger.js'
import type { ResolvedOptions } from '../option-types.js'
import { InvalidOptionsError } from '../options.js'
import { createRendezvous, type Rendezvous } from '../rendezvous.js'
import type { ServeRequest } from './command-line.js'
import { optionSurfaces } from './option-surface.js'
import { UsageError, usageErrorOf, type DescribeOption } from './usage-error.js'

const TOKEN_BYTES = 18

/** @throws {UsageError} if the options do not let the server start */
export async function serve(request: ServeRequest): Promise<void> {
  const { options } = request
  const logger = createLogger(options.logLevel, options.logFormat)
  const { server, generatedToken } = await startServer(request, logger)
  const { url } = server.address()
  console.log(`Listening on: ${url}`)
  for (const multiaddr of multiaddrsForClients(server)) console.log(`Give clients: ${multiaddr}`)
  if (generatedToken !== undefined) console.log(`Admin token:  ${generatedToken}`)
  if (options.cryptoChallenge && server.names.length === 0) {
    logger.warn(
      'no public address is set: a hostile server that a user joins can join here as that user; name the address that clients use, such as --public-address /dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
    )
  }
}

export interface RunningServer {
  server: Rendezvous
  /** Undefined if the operator gave an admin token. */
  generatedToken: string | undefined
}

/**
 * Starts a server that SIGINT and SIGTERM stop.
 *
 * @throws {UsageError}
 */
export async function startServer(
  { options, warnings, describe }: ServeRequest,
  logger: Logger
): Promise<RunningServer> {
  for (const warning of warnings) logger.warn(warning)
  const generatedToken = options.adminToken === undefined ? randomBytes(TOKEN_BYTES).toString('base64url') : undefined
  let server: Rendezvous
  try {
    server = createRendezvous({ ...options, adminToken: options.adminToken ?? generatedToken, logger })
    await server.start()
  } catch (error) {
    throw explain(error, options, describe)
  }
  // Before anything is printed: a program that reads the output may send a signal at once.
  stopOnSignals(server)
  return { server, generatedToken }
}

/** Only a first SIGTERM lets streams finish; every other signal stops the server at once. */
function stopOnSignals(server: Rendezvous): void {
  let stopped = false
  const report = () => {
    if (!stopped) console.log('Rendezvous server stopped')
    stopped = true
  }
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    const isGentle = signal === 'SIGTERM' && !isStopping
    isStopping = true
    void (isGentle ? server.drain() : server.stop()).then(report)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
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
  if (host !== '0.0.0.0' && host !== '::') return [multiaddr]
  const suffix = multiaddr.slice(multiaddr.indexOf('/tcp/'))
  const hosts = ownAddresses().filter(({ family }) => family === 'IPv4' || host === '::')
  return hosts.map(({ family, address }) => `/${family === 'IPv4' ? 'ip4' : 'ip6'}/${address}${suffix}`)
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
        `${describe(['host'])}: this is not an address of this machine; 0.0.0.0 listens on all of them`,
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
