import { z } from 'zod'

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1)
const bytes = z.number().int().positive()
const count = z.number().int().min(1)

/**
 * Every option of the server with its default: the one source of its types, its command line and its documentation.
 * Durations are milliseconds, sizes are bytes.
 */
export const optionsSchema = z.strictObject({
  host: z.string().min(1).default('0.0.0.0').describe('Address to listen on'),
  port: z.number().int().min(0).max(65_535).default(9090).describe('TCP port to listen on; 0 picks a free one'),
  cryptoChallenge: z
    .boolean()
    .default(true)
    .describe('Peers prove by a signature that they own the peer id in the address they join with'),
  strictMultiaddr: z
    .boolean()
    .default(true)
    .describe('Only addresses of the WebSocketStar form (…/ws/p2p-websocket-star/p2p/<peer id>) may join'),
  publicAddresses: z
    .array(z.string())
    .default([])
    .describe(
      'Prefixes this star is known by (multiaddrs ending in /p2p-websocket-star); joins under others are refused'
    ),
  allowedOrigins: z
    .array(z.string())
    .default([])
    .describe('Web origins that may connect, such as https://app.example; none named: all'),
  trustProxy: z
    .array(z.string())
    .default([])
    .describe('Addresses, subnets or "loopback" of proxies whose X-Forwarded-For header is believed'),
  discovery: z
    .strictObject({
      interval: milliseconds.default(10_000).describe('Time between two announcements of the same peer to a client'),
      window: count.default(256).describe('Peers announced to a client per interval, and newcomers per second'),
      joinList: count.default(256).describe('Peers named in the answer to a join, newest first'),
      prefixes: count.default(1024).describe('Different address prefixes that may be live at once')
    })
    .prefault({}),
  join: z
    .strictObject({
      deadline: milliseconds.default(60_000).describe('A connection that holds no address for so long is closed'),
      nonceTtl: milliseconds.default(20_000).describe('Time a client has to answer the challenge'),
      takeoverTimeout: milliseconds
        .default(2_000)
        .describe('Time the present holder of an address has to answer a ping'),
      minRsaBits: z.number().int().min(512).max(8192).default(1024).describe('Smallest RSA key accepted')
    })
    .prefault({}),
  dial: z
    .strictObject({
      ackTimeout: milliseconds.default(15_000).describe('Time a dialled peer has to take or refuse the dial'),
      acceptTimeout: milliseconds.default(60_000).describe('Time a stream has to be accepted by its receiver')
    })
    .prefault({}),
  limits: z
    .strictObject({
      messageSize: bytes.default(1_048_576).describe('Largest message from a client'),
      addressesPerSession: count.default(8).describe('Addresses that one connection may hold'),
      streamsPerSession: count.default(4096).describe('Stream halves that one connection may have open'),
      pendingChallenges: count.default(8192).describe('Challenges not yet answered, over all connections'),
      pendingDialsPerSession: count.default(256).describe('Dials of one connection that wait for an answer'),
      joinRoundsPerSecond: count
        .default(20)
        .describe('Join requests of one connection per second (bursts of four times that)'),
      sessionsPerIp: count
        .default(256)
        .describe('Connections from one IP address; loopback and trusted proxies are exempt')
    })
    .prefault({}),
  heartbeat: z
    .strictObject({
      interval: milliseconds.default(25_000).describe('Time between two pings'),
      timeout: milliseconds
        .default(60_000)
        .describe('Time to wait for the answer; browsers wake background tabs once a minute')
    })
    .prefault({})
})

/** What a caller may pass: every option may be left out. */
export type RendezvousInput = z.input<typeof optionsSchema>

/** The options a server runs with: every default filled in. */
export type RendezvousOptions = z.output<typeof optionsSchema>

/** An option was given a value it cannot have; the message names each such option and what is allowed. */
export class InvalidOptionsError extends Error {
  override readonly name = 'InvalidOptionsError'
  readonly code = 'ERR_INVALID_OPTIONS'
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {InvalidOptionsError}
 */
export function parseOptions(input: RendezvousInput): RendezvousOptions {
  const result = optionsSchema.safeParse(input)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`)
  throw new InvalidOptionsError(problems.join('; '), { cause: result.error })
}
