import { randomBytes } from 'node:crypto'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { createLogger, type Logger } from '../logger.js'
import { InvalidOptionsError, type RendezvousOptions } from '../options.js'
import { createRendezvous, type Rendezvous } from '../rendezvous.js'
import { usageErrorOf, UsageError, type DescribeOption, type ServeRequest } from './command-line.js'
import { optionSurfaces } from './option-surface.js'

/** Random bytes of a token that is made up. */
const TOKEN_BYTES = 18

/**
 * Runs a server until it is told to stop.
 *
 * @throws {UsageError} if it cannot start with what it was given
 */
export async function serve(request: ServeRequest): Promise<void> {
  const { options } = request
  const logger = createLogger(options.logLevel, options.logFormat)
  const { server, madeToken } = await startServer(request, logger)
  const { url } = server.address()
  console.log(`Listening on: ${url}`)
  for (const multiaddr of multiaddrsToGive(server)) console.log(`Give clients: ${multiaddr}`)
  if (madeToken !== undefined) console.log(`Admin token:  ${madeToken}`)
  if (options.cryptoChallenge && server.names.length === 0) {
    logger.warn(
      'name the address clients use, such as --public-address /dns4/star.example.com/tcp/443/wss/p2p-websocket-star: without it a hostile server that a user joins can join here as that user'
    )
  }
}

/** A server that listens, and stops when this process is told to. */
export interface Served {
  server: Rendezvous
  /** The admin token, if nobody gave one. */
  madeToken: string | undefined
}

/** @throws {UsageError} */
export async function startServer({ options, warnings, describe }: ServeRequest, logger: Logger): Promise<Served> {
  for (const warning of warnings) logger.warn(warning)
  const madeToken = options.adminToken === undefined ? randomBytes(TOKEN_BYTES).toString('base64url') : undefined
  let server: Rendezvous
  try {
    server = createRendezvous({ ...options, adminToken: options.adminToken ?? madeToken }, logger)
    await server.start()
  } catch (error) {
    throw explain(error, options, describe)
  }
  // Before anything is printed: whoever reads it may send a signal at once.
  stopOnSignals(server)
  return { server, madeToken }
}

/** SIGTERM lets streams finish, SIGINT does not; nor does whichever comes second. */
function stopOnSignals(server: Rendezvous): void {
  let stopped = false
  const tell = () => {
    if (!stopped) console.log('Rendezvous server stopped')
    stopped = true
  }
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    const isGentle = signal === 'SIGTERM' && !isStopping
    isStopping = true
    void (isGentle ? server.drain() : server.stop()).then(tell)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

/** The addresses clients join under: those the operator named, else the names in the certificate and those of this machine. */
function multiaddrsToGive(server: Rendezvous): string[] {
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

/** Of this machine, loopback among them. A link-local address means something on its own link only. */
export function ownAddresses(): NetworkInterfaceInfo[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ address }) => !address.startsWith('fe80'))
  )
}

function explain(error: unknown, { port }: RendezvousOptions, describe: DescribeOption): unknown {
  if (error instanceof InvalidOptionsError) return usageErrorOf(error, optionSurfaces(), describe)
  if (!(error instanceof Error && 'code' in error)) return error
  switch (error.code) {
    case 'EADDRINUSE':
      return new UsageError(`${describe(['port'])}: port ${port} is in use; name a free one, or 0 for any`, {
        cause: error
      })
    case 'EACCES':
      return new UsageError(`${describe(['port'])}: this user may not listen on that port; name one above 1023`)
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UsageError(`${describe(['host'])}: no address of this machine; 0.0.0.0 stands for all of them`)
    case 'ERR_REDIS': {
      const why = error.cause instanceof Error ? `: ${error.cause.message}` : ''
      return new UsageError(`${describe(['redis'])}: ${error.message}${why}`)
    }
    default:
      return error
  }
}
