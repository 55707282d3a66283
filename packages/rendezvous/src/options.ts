import { StarError } from '@websocket-star/protocol'
import { z } from 'zod'
import type { ResolvedOptions, ServerOptions } from './option-types.js'

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1)
  .meta({ value: 'ms' })
const bytes = z.number().int().min(1).meta({ value: 'bytes' })
const count = z.number().int().min(1)
const file = z.string().min(1).optional()

const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)*\/?$/

const REDIS_URL =
  'redis://[user:password@]host[:port][/db], or rediss:// for TLS; in a password write % / ? # as %25 %2F %3F %23'

function hasReadableCredentials(url: string): boolean {
  try {
    const { username, password, pathname, search, hash } = new URL(url)
    const isDatabase = /^\/?\d*$/.test(pathname)
    // An unescaped / ? or # in a password ends the host name: the rest of the password is parsed as path, query or hash.
    const isWhole = hash === '' && !search.includes('@')
    return isDatabase && isWhole && [username, password].every((text) => decodeURIComponent(text) !== undefined)
  } catch {
    return false
  }
}

/**
 * Source of the parser, flags, variables, help, `docs/options.md` and `option-types.ts`. In `meta`:
 * - `description` is one line, also for `--help`; `details` are for the documentation only
 * - `essential` options are listed by `--help`; `group` is inherited by nested options
 * - `flag` defaults to the path (`discovery.window` is `--discovery-window`), or to `disable-…`, described by `off`
 * - `env` defaults to `WEBSOCKET_STAR_…`; only variables of the old server have other names
 */
export const optionsSchema = z.strictObject({
  port: z.number().int().min(0).max(65_535).default(9090).meta({
    description: 'TCP port to listen on; 0 picks a free one',
    group: 'listening',
    essential: true,
    short: 'p',
    env: 'PORT'
  }),
  host: z.string().min(1).default('::').meta({
    description: 'Address to listen on; :: listens on all addresses, IPv4 and IPv6',
    details: 'On a machine without IPv6, :: listens on all IPv4 addresses. 0.0.0.0 listens on these only.',
    group: 'listening',
    essential: true,
    value: 'address',
    env: 'HOST'
  }),
  basePath: z.string().regex(BASE_PATH).default('').meta({
    allowed: 'a path such as /star',
    description: 'Path that the server is below, such as /star, if a proxy does not strip it',
    details: 'Requests without the path are answered too, so that load balancers can check the server itself.',
    group: 'listening',
    value: 'path'
  }),
  drainTimeout: z.number().int().min(0).default(8_000).meta({
    description: 'Time for open streams to finish after SIGTERM; 0 ends them at once',
    group: 'listening',
    essential: true,
    value: 'ms'
  }),
  key: file.meta({
    description: 'Private key file (PEM), for HTTPS',
    group: 'tls',
    essential: true,
    value: 'file',
    env: 'KEY'
  }),
  cert: file.meta({
    description: 'Certificate chain file (PEM), for HTTPS',
    group: 'tls',
    essential: true,
    value: 'file',
    env: 'CERT'
  }),
  pfx: file.meta({
    description: 'PKCS #12 file with key and certificate, instead of two PEM files',
    group: 'tls',
    essential: true,
    value: 'file',
    env: 'PFX'
  }),
  passphrase: z.string().optional().meta({
    description: 'Passphrase of the key or PKCS #12 file',
    group: 'tls',
    essential: true,
    env: 'PFX_PASSPHRASE'
  }),
  publicAddresses: z.array(z.string()).default([]).meta({
    description:
      'Multiaddr that clients use for this star, such as /dns4/star.example.com/tcp/443/wss/p2p-websocket-star',
    details:
      'Joins under other addresses are refused, except for the names in the certificate and the addresses of this machine.',
    group: 'access',
    essential: true,
    value: 'multiaddr',
    flag: 'public-address'
  }),
  allowedOrigins: z.array(z.string()).default([]).meta({
    description: 'Web origin that may connect, such as https://*.example, or "self" for pages of this server only',
    details:
      'In https://*.app.example, the asterisk stands for one label or more; in http://localhost:*, for any port; alone, for every origin. If none is named, pages of every origin may connect. Pages of the server itself may always connect, and so may programs, which send no origin.',
    group: 'access',
    essential: true,
    value: 'origin',
    flag: 'allowed-origin'
  }),
  trustProxy: z.array(z.string()).default([]).meta({
    description: 'Proxy whose X-Forwarded-For and related headers are believed: address, subnet or "loopback"',
    details:
      'X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port and Forwarded are believed too. Instead of addresses, the number of proxies in a row may be given, such as 1: the server then trusts every direct connection, so clients must not be able to bypass the proxies.',
    group: 'access',
    essential: true,
    value: 'proxy'
  }),
  cryptoChallenge: z.boolean().default(true).meta({
    description: 'Peers must sign a challenge to prove that they own their peer id',
    off: 'Let peers join without proving that they own their peer id',
    details: 'Without the challenge, anyone may take any address that is free.',
    group: 'access',
    env: 'DISABLE_CRYPTO_CHALLENGE'
  }),
  strictMultiaddr: z.boolean().default(true).meta({
    description: 'Only addresses of the form …/ws/p2p-websocket-star/p2p/<peer id> may join',
    off: 'Let peers join with any multiaddr',
    group: 'access',
    env: 'DISABLE_STRICT_MULTIADDR'
  }),
  redis: z
    .url({ protocol: /^rediss?$/, error: `expected ${REDIS_URL}` })
    .refine(hasReadableCredentials)
    .optional()
    .meta({
      allowed: REDIS_URL,
      description: 'Redis or Valkey server that connects the nodes of one star',
      group: 'cluster',
      essential: true,
      value: 'url'
    }),
  cluster: z
    .strictObject({
      star: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,64}$/)
        .default('star')
        .meta({
          allowed: '1 to 64 letters, digits and _ . -',
          description: 'Name of the star; nodes with the same name share it',
          essential: true,
          value: 'name'
        }),
      node: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,48}$/)
        .optional()
        .meta({
          allowed: '1 to 48 letters, digits and _ . -',
          description: 'Readable part of the id of this node; by default the host name',
          essential: true,
          value: 'name'
        }),
      leaseTtl: milliseconds.min(100).default(10_000).meta({
        description: 'Silence after which other nodes treat a node as gone; must be the same on all nodes'
      }),
      linkWindow: bytes.min(262_144).default(4_194_304).meta({
        description: 'Bytes in flight to one other node',
        details:
          'With more than five other nodes it is less. One stream may have as many in flight; it begins with 256 KiB.'
      })
    })
    .prefault({})
    .meta({ group: 'cluster', description: 'Cooperation of the nodes that share one star.' }),
  adminToken: z.string().min(16).optional().meta({
    allowed: 'text of 16 characters or more',
    description: 'Secret for the list of peers and the controls of the status page',
    details:
      'If none is given, the command line generates one and prints it on a terminal. Where there is no terminal, and in a server embedded as a library, there are no such pages without one.',
    group: 'pages',
    essential: true,
    value: 'text'
  }),
  playground: z.boolean().default(true).meta({
    description: 'Page at /try that makes a browser tab a peer',
    off: 'Do not serve the playground at /try',
    group: 'pages',
    essential: true,
    flag: 'no-playground'
  }),
  metrics: z.boolean().default(true).meta({
    description: 'Everybody may see the Prometheus metrics at /metrics and the figures of the status page',
    off: 'Show metrics and figures only with the admin token',
    details: 'Without an admin token, nobody sees them then.',
    group: 'pages',
    essential: true,
    env: 'DISABLE_METRICS'
  }),
  privateDetails: z.boolean().default(true).meta({
    description: 'Node names and exact versions are shown only with the admin token',
    off: 'Show node names and exact versions to everybody',
    details: 'This concerns /metrics and the status page.',
    group: 'pages',
    flag: 'public-details'
  }),
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info').meta({
    description: 'Least severe level to log: silent, error, warn, info or debug',
    details:
      'At info, the first refusal of each reason and minute is logged. At debug, every refusal and every step of each session is: clients can make such a log large.',
    group: 'logging',
    essential: true,
    value: 'level'
  }),
  logFormat: z.enum(['auto', 'json', 'pretty']).default('auto').meta({
    description: 'Format of log lines: auto, json or pretty',
    details: 'Lines are pretty on a terminal and JSON elsewhere, if it is auto.',
    group: 'logging',
    essential: true,
    value: 'format'
  }),
  discovery: z
    .strictObject({
      interval: milliseconds
        .default(10_000)
        .meta({ description: 'Time between two announcements of the same peer to a legacy client' }),
      window: count.default(256).meta({
        description: 'Peers announced to a legacy client per interval, and newcomers per second'
      }),
      joinList: count.default(256).meta({
        description: 'Peers listed in the answer to the join of a legacy client, newest first'
      }),
      maxBytesPerSecond: bytes.default(4_000_000).meta({
        description: 'Bytes per second for telling clients about peers',
        details:
          'This is an average over all clients. The peers of one IP address may cause a quarter of it; loopback and trusted proxies are exempt from that.',
        group: 'limits',
        essential: true
      }),
      prefixes: count.default(1024).meta({ description: 'Address prefixes in use at the same time' }),
      deltaInterval: milliseconds
        .default(50)
        .meta({ description: 'Time to batch changes for clients that receive changes instead of lists' })
    })
    .prefault({})
    .meta({ group: 'discovery', description: 'Announcements of peers to clients.' }),
  join: z
    .strictObject({
      deadline: milliseconds
        .default(60_000)
        .meta({ description: 'Time after which a session without an address and without a stream is closed' }),
      nonceTtl: milliseconds.default(20_000).meta({ description: 'Time a client has to answer the challenge' }),
      takeoverTimeout: milliseconds
        .default(2_000)
        .meta({ description: 'Time the owner of an address has to answer a ping before another session takes over' }),
      minRsaBits: z.number().int().min(512).max(8192).default(1024).meta({
        description: 'Bits of the smallest RSA key accepted',
        value: 'bits'
      })
    })
    .prefault({})
    .meta({ group: 'joining', description: 'Requirements and time limits of joining.' }),
  dial: z
    .strictObject({
      ackTimeout: milliseconds.default(15_000).meta({ description: 'Time a peer has to accept or reject a dial' }),
      acceptTimeout: milliseconds.default(60_000).meta({ description: 'Time the receiver has to accept a stream' })
    })
    .prefault({})
    .meta({ group: 'joining', description: 'Time limits of dials.' }),
  relay: z
    .strictObject({
      gatherTime: z.number().min(0).max(10).default(0).meta({
        description: 'Time to collect small messages that arrive in quick succession; 0 relays each at once',
        details:
          'While it waits, the server blocks the event loop of its process. A server embedded as a library therefore does not wait by default; the command line does.',
        commandLineDefault: 0.1,
        value: 'ms'
      }),
      highWaterMark: bytes
        .max(16_777_216)
        .default(1_048_576)
        .meta({ description: 'Backlog of one session above which the senders to it are paused' }),
      sessionCeiling: bytes.default(8_388_608).meta({
        description: 'Backlog of one session above which everyone who sends to it is paused',
        details: 'This includes senders that have credit left.'
      }),
      pauseTimeout: milliseconds
        .default(30_000)
        .meta({ description: 'Longest time that one slow receiver may pause a legacy sender' }),
      stallTimeout: milliseconds
        .default(30_000)
        .meta({ description: 'Time without a sign that a client reads, after which its session is closed' }),
      maxBufferedBytes: bytes.default(536_870_912).meta({
        description: 'Backlog of all sessions, in bytes; beyond, the largest is closed',
        details:
          'Above a sixteenth of it, the senders to one IP address are paused sooner; loopback and trusted proxies are exempt from that.',
        group: 'limits',
        essential: true
      })
    })
    .prefault({})
    .meta({ group: 'relaying', description: 'Flow control between peers.' }),
  limits: z
    .strictObject({
      sessionsPerIp: count.default(512).meta({
        description: 'Sessions from one IP address',
        details:
          'Loopback and trusted proxies are exempt. An address may have twice as many TCP connections, those in the TLS handshake included.',
        essential: true,
        flag: 'max-sessions-per-ip'
      }),
      receivedBytes: bytes.default(268_435_456).meta({
        description: 'Bytes of unfinished messages; beyond, the largest is dropped',
        details:
          'They are counted over all clients. One IP address may use an eighth of it, but at least two of the largest messages; loopback and trusted proxies are exempt from that.',
        essential: true,
        flag: 'max-received-bytes'
      }),
      messageSize: bytes.default(1_048_576).meta({
        description: 'Largest message from a client',
        flag: 'max-message-size'
      }),
      addressesPerSession: count.default(8).meta({
        description: 'Addresses that one session may join with',
        flag: 'max-addresses-per-session'
      }),
      streamsPerSession: count.default(4096).meta({
        description: 'Open halves per session; a connection has two',
        flag: 'max-streams-per-session'
      }),
      pendingChallenges: count.default(16_384).meta({
        description: 'Unanswered challenges of all sessions; beyond, the oldest is dropped',
        flag: 'max-pending-challenges'
      }),
      waiting: count.default(16_384).meta({
        description: 'New sessions and joins in the queue; more are rejected',
        flag: 'max-waiting'
      }),
      pendingDialsPerSession: count.default(64).meta({
        description: 'Unanswered dials per session',
        flag: 'max-pending-dials-per-session'
      }),
      unacceptedStreams: count.default(256).meta({
        description: 'Halves opened by the dials of one session and not yet accepted by their receivers',
        flag: 'max-unaccepted-streams'
      }),
      dialsPerSecond: count.default(100).meta({
        description: 'Dials of one session per second, on average; bursts may have four times as many',
        flag: 'max-dials-per-second'
      }),
      dialsPerSecondPerIp: count.default(400).meta({
        description: 'Dials per second of all sessions of one IP address; loopback and trusted proxies are exempt',
        flag: 'max-dials-per-second-per-ip'
      }),
      joinRoundsPerSecond: count.default(20).meta({
        description: 'Join requests of one session per second, on average; bursts may have four times as many',
        flag: 'max-join-rounds-per-second'
      }),
      joinRoundsPerSecondPerIp: count.default(200).meta({
        description:
          'Join requests per second of all sessions of one IP address; loopback and trusted proxies are exempt',
        flag: 'max-join-rounds-per-second-per-ip'
      }),
      workPerSession: count.default(50).meta({
        description: 'CPU time per second for the requests of one session, not counting what it relays',
        details: 'Beyond that, the server reads from the session more slowly.',
        value: 'ms',
        flag: 'max-work-per-session'
      }),
      workPerIp: count.default(250).meta({
        description: 'CPU time per second for all requests of one IP address, not counting what it relays',
        details: 'Loopback and trusted proxies are exempt.',
        value: 'ms',
        flag: 'max-work-per-ip'
      }),
      floodTimeout: milliseconds.default(10_000).meta({
        description: 'Time after which a session that keeps exceeding its CPU time is closed',
        flag: 'flood-timeout'
      })
    })
    .prefault({})
    .meta({ group: 'limits', description: 'Limits of sessions, IP addresses and the whole server.' }),
  heartbeat: z
    .strictObject({
      interval: milliseconds.default(25_000).meta({ description: 'Time between two pings' }),
      timeout: milliseconds
        .default(60_000)
        .meta({ description: 'Time to wait for the answer; browsers wake background tabs once a minute' })
    })
    .prefault({})
    .meta({ group: 'heartbeat', description: 'Detection of lost clients.' })
})

export interface OptionProblem {
  /** Position in the options, such as `['discovery', 'interval']`. */
  path: readonly string[]
  message: string
}

/** Invalid options. The message names each of them and says what is allowed. */
export class InvalidOptionsError extends StarError {
  override readonly name = 'InvalidOptionsError'
  readonly problems: readonly OptionProblem[]

  constructor(problems: readonly OptionProblem[], options?: ErrorOptions) {
    const message = problems.map(({ path, message: text }) => `${path.join('.') || 'options'}: ${text}`).join('; ')
    super('ERR_INVALID_OPTIONS', message, options)
    this.problems = problems
  }
}

/**
 * Checks options and applies the defaults.
 *
 * @throws {InvalidOptionsError}
 */
export function parseOptions(input: ServerOptions): ResolvedOptions {
  const result = optionsSchema.safeParse(input)
  if (!result.success) {
    throw new InvalidOptionsError(result.error.issues.flatMap(problemsOf), { cause: result.error })
  }
  const { key, cert, pfx } = result.data
  if ((key === undefined) !== (cert === undefined)) {
    const [present, missing] = key === undefined ? ['cert', 'key'] : ['key', 'cert']
    throw new InvalidOptionsError([{ path: [present], message: `it needs ${missing} too` }])
  }
  if (pfx !== undefined && key !== undefined) {
    throw new InvalidOptionsError([
      { path: ['pfx'], message: 'it contains key and certificate: leave out --key and --cert' }
    ])
  }
  return result.data
}

/** @throws {InvalidOptionsError} if a text is not the path of a folder below the root */
export function checkAttachPath(path: string): void {
  if (typeof path === 'string' && path.length > 1 && BASE_PATH.test(path)) return
  throw new InvalidOptionsError([{ path: ['path'], message: 'it has to be a path such as /star' }])
}

function problemsOf(issue: z.core.$ZodIssue): OptionProblem[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
  return issue.keys.map((key) => ({ path: [...path, key], message: 'there is no such option' }))
}
