import { StarError } from '@websocket-star/protocol'
import { z } from 'zod'

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1)
  .meta({ value: 'ms' })
const bytes = z.number().int().min(1).meta({ value: 'bytes' })
/** Whether user, password and number of the database can be read from a URL. */
function isReadable(url: string): boolean {
  try {
    const { username, password, pathname, search, hash } = new URL(url)
    const isDatabase = /^\/?\d*$/.test(pathname)
    // A password with one of / ? # ends up in these, and its beginning in the name of the host.
    const isWhole = hash === '' && !search.includes('@')
    return isDatabase && isWhole && [username, password].every((text) => decodeURIComponent(text) !== undefined)
  } catch {
    return false
  }
}

const REDIS_URL =
  'redis://[user:password@]host[:port][/db], or rediss:// for TLS; of a password, % / ? # are written %25 %2F %3F %23'
const count = z.number().int().min(1)

/**
 * Every option of the server with its default: the one source of its types, its flags, its environment variables, its
 * help texts and its page in the documentation. Durations are milliseconds, sizes are bytes.
 *
 * A name on the command line follows from the path (`discovery.joinList` is `--discovery-join-list`), unless `flag` says
 * otherwise; an option that is on by default has a flag `--disable-…`, described by `off`. `env` is the environment
 * variable's name where the old server had one, `value` names what is given.
 */
export const optionsSchema = z.strictObject({
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(9090)
    .meta({ description: 'TCP port to listen on; 0 picks a free one', short: 'p', env: 'PORT' }),
  host: z
    .string()
    .min(1)
    .default('0.0.0.0')
    .meta({ description: 'Address to listen on', value: 'address', env: 'HOST' }),
  key: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'File with the private key (PEM), for HTTPS', value: 'file', env: 'KEY' }),
  cert: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'File with the certificate chain (PEM), for HTTPS', value: 'file', env: 'CERT' }),
  pfx: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'File with key and certificate (PKCS #12), for HTTPS', value: 'file', env: 'PFX' }),
  passphrase: z.string().optional().meta({ description: 'Passphrase of the key or PFX file', env: 'PFX_PASSPHRASE' }),
  cryptoChallenge: z.boolean().default(true).meta({
    description: 'Peers prove by a signature that they own the peer id in the address they join with',
    off: 'Let peers join without proving that they own their peer id: anyone may then take an address that is free',
    env: 'DISABLE_CRYPTO_CHALLENGE'
  }),
  strictMultiaddr: z.boolean().default(true).meta({
    description: 'Only addresses of the WebSocketStar form (…/ws/p2p-websocket-star/p2p/<peer id>) may join',
    off: 'Let peers join with any multiaddr',
    env: 'DISABLE_STRICT_MULTIADDR'
  }),
  metrics: z.boolean().default(true).meta({
    description: 'Metrics in the Prometheus form at /metrics',
    off: 'Serve no metrics',
    env: 'DISABLE_METRICS'
  }),
  playground: z.boolean().default(true).meta({
    description: 'A page at /try that makes a browser tab a peer, to try the server with',
    off: 'Serve no playground at /try',
    flag: 'no-playground'
  }),
  adminToken: z.string().min(16).optional().meta({
    allowed: 'text of 16 characters or more',
    description:
      'Secret that opens the list of peers, and what can be done to them, on the status page; the command line makes one if none is given',
    value: 'text'
  }),
  privateDetails: z.boolean().default(true).meta({
    description: 'Names of nodes and exact versions are shown only to those who have the admin token',
    off: 'Show names of nodes and exact versions to everybody, at /metrics and on the status page',
    flag: 'public-details'
  }),
  publicAddresses: z.array(z.string()).default([]).meta({
    description:
      'Address this star is known by, a multiaddr ending in /p2p-websocket-star; joins under others are refused, but for names in the certificate and addresses of this machine',
    value: 'multiaddr',
    flag: 'public-address'
  }),
  allowedOrigins: z.array(z.string()).default([]).meta({
    description:
      'Web origin that may connect, such as https://app.example, or "self" for pages of this server only, under names it knows; if none is named, all may',
    value: 'origin',
    flag: 'allowed-origin'
  }),
  trustProxy: z.array(z.string()).default([]).meta({
    description:
      'Address, subnet or "loopback" of a proxy whose X-Forwarded-For or Forwarded header is believed, or how many proxies there are in a row, such as 1',
    value: 'proxy'
  }),
  logLevel: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .meta({ description: 'Least severe log lines to write: silent, error, warn, info or debug', value: 'level' }),
  logFormat: z.enum(['auto', 'json', 'pretty']).default('auto').meta({
    description: 'Form of log lines: json, pretty, or auto, which is pretty on a terminal and JSON elsewhere',
    value: 'form'
  }),
  drainTimeout: z.number().int().min(0).default(8_000).meta({
    value: 'ms',
    description: 'Time that streams have to finish when the server is told to stop by SIGTERM; 0 ends them at once'
  }),
  redis: z
    .url({ protocol: /^rediss?$/, error: `it takes ${REDIS_URL}` })
    .refine(isReadable)
    .optional()
    .meta({
      allowed: REDIS_URL,
      description: 'Redis or Valkey server over which several nodes share one star: redis:// or rediss://, with TLS',
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
          description: 'Name of the star: nodes that use one Redis under the same name share it',
          value: 'name'
        }),
      node: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,48}$/)
        .optional()
        .meta({
          allowed: '1 to 48 letters, digits and _ . -',
          description: 'Readable part of the id of this node; the name of the machine if none is given',
          value: 'name'
        }),
      leaseTtl: milliseconds.min(100).default(10_000).meta({
        description: 'Time without a sign of life after which the others take a node for gone; the same on all nodes'
      }),
      connectTimeout: milliseconds.default(10_000).meta({ description: 'Time to reach Redis when the server starts' }),
      linkWindow: bytes.min(262_144).default(4_194_304).meta({
        description: 'Bytes on their way to one other node at most; with more than five other nodes it is less'
      }),
      streamWindow: bytes.min(262_144).default(4_194_304).meta({
        description:
          'Bytes of one stream on their way to its receiver on another node at most; streams begin with 256 KiB'
      })
    })
    .prefault({}),
  discovery: z
    .strictObject({
      interval: milliseconds
        .default(10_000)
        .meta({ description: 'Time between two announcements of the same peer to a client' }),
      window: count
        .default(256)
        .meta({ description: 'Peers announced to a client per interval, and newcomers per second' }),
      maxBytesPerSecond: bytes.default(4_000_000).meta({
        description:
          'Bytes per second, on average, that tell clients of other peers, all clients together. The peers of one IP address may cause a quarter of it; loopback and trusted proxies are exempt'
      }),
      joinList: count.default(256).meta({ description: 'Peers named in the answer to a join, newest first' }),
      prefixes: count.default(1024).meta({ description: 'Different address prefixes that may be live at once' }),
      deltaInterval: milliseconds
        .default(50)
        .meta({ description: 'Time to gather newcomers and leavers for clients that hear of changes only' })
    })
    .prefault({}),
  join: z
    .strictObject({
      deadline: milliseconds
        .default(60_000)
        .meta({ description: 'A connection that holds no address and no stream for so long is closed' }),
      nonceTtl: milliseconds.default(20_000).meta({ description: 'Time a client has to answer the challenge' }),
      takeoverTimeout: milliseconds
        .default(2_000)
        .meta({ description: 'Time an earlier holder of an address has to answer a ping' }),
      minRsaBits: z.number().int().min(512).max(8192).default(1024).meta({ description: 'Smallest RSA key accepted' })
    })
    .prefault({}),
  dial: z
    .strictObject({
      ackTimeout: milliseconds
        .default(15_000)
        .meta({ description: 'Time a dialled peer has to take or refuse the dial' }),
      acceptTimeout: milliseconds
        .default(60_000)
        .meta({ description: 'Time a stream has to be accepted by its receiver' })
    })
    .prefault({}),
  relay: z
    .strictObject({
      gatherTime: z.number().min(0).max(10).default(0.1).meta({
        value: 'ms',
        description:
          'Time to gather small messages that come one at a time in quick succession; 0 passes each on at once'
      }),
      highWaterMark: bytes
        .max(16_777_216)
        .default(1_048_576)
        .meta({ description: 'Bytes unsent to one client above which those who send to it have to wait' }),
      sessionCeiling: bytes
        .default(8_388_608)
        .meta({ description: 'Bytes unsent to one client above which nobody who sends to it is read from' }),
      holdTimeout: milliseconds
        .default(30_000)
        .meta({ description: 'Time a sender that knows no windows may be held by one slow receiver' }),
      stallTimeout: milliseconds
        .default(30_000)
        .meta({ description: 'Time without any sign that a client reads, after which it is dropped' }),
      maxBufferedBytesPerIp: bytes.default(33_554_432).meta({
        description:
          'Bytes unsent to all clients of one IP address above which those who send to them are held sooner; loopback and trusted proxies are exempt'
      }),
      maxBufferedBytes: bytes.default(536_870_912).meta({
        description: 'Bytes unsent to all clients together above which the one with the largest backlog is dropped'
      })
    })
    .prefault({}),
  limits: z
    .strictObject({
      messageSize: bytes
        .default(1_048_576)
        .meta({ description: 'Largest message from a client', flag: 'max-message-size' }),
      addressesPerSession: count
        .default(8)
        .meta({ description: 'Addresses that one connection may hold', flag: 'max-addresses-per-session' }),
      streamsPerSession: count.default(4096).meta({
        description: 'Stream halves that one connection may have open; a dial has two',
        flag: 'max-streams-per-session'
      }),
      pendingChallenges: count.default(16_384).meta({
        description: 'Challenges not yet answered, over all connections; the oldest gives way',
        flag: 'max-pending-challenges'
      }),
      waiting: count.default(16_384).meta({
        description: 'New connections and joins that may wait for their turn; those beyond are refused',
        flag: 'max-waiting'
      }),
      pendingDialsPerSession: count.default(64).meta({
        description: 'Dials of one connection that wait for an answer',
        flag: 'max-pending-dials-per-session'
      }),
      unacceptedStreams: count.default(256).meta({
        description: 'Stream halves of the dials of one connection that wait for their receivers',
        flag: 'max-unaccepted-streams'
      }),
      dialsPerSecond: count.default(100).meta({
        description: 'Dials of one connection per second, on average; bursts of four times that are taken',
        flag: 'max-dials-per-second'
      }),
      dialsPerSecondPerIp: count.default(400).meta({
        description: 'Dials per second of all connections from one IP address; loopback and trusted proxies are exempt',
        flag: 'max-dials-per-second-per-ip'
      }),
      joinRoundsPerSecond: count.default(20).meta({
        description: 'Join requests of one connection per second, on average; bursts of four times that are taken',
        flag: 'max-join-rounds-per-second'
      }),
      joinRoundsPerSecondPerIp: count.default(200).meta({
        description:
          'Join requests per second of all connections from one IP address; loopback and trusted proxies are exempt',
        flag: 'max-join-rounds-per-second-per-ip'
      }),
      connectionsPerIp: count.default(1024).meta({
        description:
          'TCP connections from one IP address, those in the TLS handshake among them; loopback and trusted proxies are exempt',
        flag: 'max-connections-per-ip'
      }),
      sessionsPerIp: count.default(512).meta({
        description: 'Connections from one IP address; loopback and trusted proxies are exempt',
        flag: 'max-sessions-per-ip'
      }),
      workPerSession: count.default(50).meta({
        description:
          'CPU time that the requests of one connection may cost per second, beside what it relays; it is read more slowly beyond',
        value: 'ms',
        flag: 'max-work-per-session'
      }),
      workPerIp: count.default(250).meta({
        description:
          'CPU time that all requests from one IP address may cost per second, beside what it relays; loopback and trusted proxies are exempt',
        value: 'ms',
        flag: 'max-work-per-ip'
      }),
      floodTimeout: milliseconds.default(10_000).meta({
        description:
          'Time that a connection may go on to send more requests than are worked through; then it is closed',
        flag: 'flood-timeout'
      }),
      receivedBytesPerIp: bytes.default(33_554_432).meta({
        description:
          'Bytes of unfinished messages from one IP address, above which the largest is dropped; loopback and trusted proxies are exempt',
        flag: 'max-received-bytes-per-ip'
      }),
      receivedBytes: bytes.default(268_435_456).meta({
        description: 'Bytes of unfinished messages from all clients together, above which the largest is dropped',
        flag: 'max-received-bytes'
      }),
      statusPages: count.default(64).meta({
        description: 'Status pages that may be open at once and shown new figures',
        flag: 'max-status-pages'
      })
    })
    .prefault({}),
  heartbeat: z
    .strictObject({
      interval: milliseconds.default(25_000).meta({ description: 'Time between two pings' }),
      timeout: milliseconds
        .default(60_000)
        .meta({ description: 'Time to wait for the answer; browsers wake background tabs once a minute' })
    })
    .prefault({})
})

/** What a caller may pass: every option may be left out. */
export type RendezvousInput = z.input<typeof optionsSchema>

/** The options a server runs with: every default filled in. */
export type RendezvousOptions = z.output<typeof optionsSchema>

/** What is wrong with one option. */
export interface OptionProblem {
  /** The path in the options, such as `['discovery', 'interval']`. */
  path: readonly string[]
  message: string
}

/** Options were given values they cannot have; the message names each of them and what is allowed. */
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
 * Checks options and fills in the defaults.
 *
 * @throws {InvalidOptionsError}
 */
export function parseOptions(input: RendezvousInput): RendezvousOptions {
  const result = optionsSchema.safeParse(input)
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) => ({ path: path.map(String), message }))
    throw new InvalidOptionsError(problems, { cause: result.error })
  }
  const { key, cert, pfx } = result.data
  if ((key === undefined) !== (cert === undefined)) {
    const [given, missing] = key === undefined ? ['cert', 'key'] : ['key', 'cert']
    throw new InvalidOptionsError([{ path: [given], message: `it needs ${missing} too` }])
  }
  if (pfx !== undefined && key !== undefined) {
    throw new InvalidOptionsError([
      { path: ['pfx'], message: 'it holds key and certificate: leave out --key and --cert' }
    ])
  }
  return result.data
}
