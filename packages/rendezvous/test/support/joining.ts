import type { Backplane } from '../../src/cluster/backplane.js'
import { LocalBackplane } from '../../src/cluster/local-backplane.js'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { DeltaDiscovery } from '../../src/discovery/delta-discovery.js'
import { Discovery } from '../../src/discovery/discovery.js'
import { OwnNames } from '../../src/names/own-names.js'
import type { SessionEntry } from '../../src/registry/session-entry.js'
import { Registry } from '../../src/registry/registry.js'
import { Joining, type JoinOptions } from '../../src/star/join.js'
import { Ownership } from '../../src/star/ownership.js'
import { Counters } from '../../src/stats.js'
import type { Ack } from '../../src/transport/receiver.js'
import type { Identity } from './identity.js'

const TAKEOVER_TIMEOUT = 2_000

/** Joining with what it works on, and a clock that a test moves. */
export interface JoiningSetup {
  readonly registry: Registry
  readonly discovery: Discovery
  readonly deltas: DeltaDiscovery
  readonly counters: Counters
  readonly joining: Joining
  /** What went wrong that is not the client's fault. */
  readonly faults: unknown[]
  now: number
  /** Makes a join request and waits for its answer. */
  join(sessionEntry: SessionEntry, ...args: unknown[]): Promise<unknown[]>
  /** The first round: makes a join request with a public key and returns the nonce it is answered with. */
  challenge(sessionEntry: SessionEntry, identity: Identity, prefix?: string): Promise<string>
  /** Both rounds of a join. */
  joinAs(sessionEntry: SessionEntry, identity: Identity, prefix?: string): Promise<unknown[]>
}

export function createJoining(
  options: Partial<JoinOptions> = {},
  maxPrefixes = 16,
  backplane: Backplane = new LocalBackplane()
): JoiningSetup {
  const registry = new Registry()
  const counters = new Counters()
  let now = 1_000_000
  const clock = () => now
  const discoveryOptions = { interval: 10_000, window: 256, maxBytesPerSecond: 4_000_000 }
  const budget = new DiscoveryBudget(discoveryOptions, counters, clock)
  const discovery = new Discovery(discoveryOptions, registry, budget, counters, clock)
  const deltas = new DeltaDiscovery(50, registry, budget, counters)
  const all: JoinOptions = {
    cryptoChallenge: true,
    strictMultiaddr: true,
    names: new OwnNames([]),
    nonceTtl: 20_000,
    maxPrefixes,
    joinListSize: 256,
    minRsaBits: 1024,
    addressesPerSession: 8,
    pendingChallenges: 100,
    ...options
  }
  const faults: unknown[] = []
  const onFault = (fault: unknown) => void faults.push(fault)
  const ownership = new Ownership(registry, backplane, nobodyElsewhere, TAKEOVER_TIMEOUT, onFault)
  const joining = new Joining(all, registry, ownership, budget, counters, onFault, clock)
  const setup: JoiningSetup = {
    registry,
    discovery,
    deltas,
    counters,
    joining,
    faults,
    get now() {
      return now
    },
    set now(value) {
      now = value
    },
    join: async (sessionEntry, ...args) => {
      const answers: unknown[][] = []
      const ack: Ack = (...answer) => void answers.push(answer)
      if (joining.chargeJoin(sessionEntry, ack)) await joining.join(sessionEntry, args, ack)
      const [answer, ...more] = answers
      if (answer === undefined || more.length > 0) throw new Error(`It was answered ${answers.length} times`)
      return answer
    },
    challenge: async (sessionEntry, identity, prefix) => {
      const [error, nonce] = await setup.join(sessionEntry, identity.address(prefix).legacy, identity.publicKey)
      if (error !== null || typeof nonce !== 'string') throw new Error(`No nonce came, but ${String(error)}`)
      return nonce
    },
    joinAs: async (sessionEntry, identity, prefix) => {
      const nonce = await setup.challenge(sessionEntry, identity, prefix)
      return setup.join(sessionEntry, identity.address(prefix).legacy, await identity.sign(nonce))
    }
  }
  return setup
}

/** There is one node only. */
export function nobodyElsewhere(): Promise<boolean> {
  return Promise.reject(new Error('No other node was to be asked'))
}
