import { strict as assert } from 'node:assert'
import type { Budget } from '../../src/budget/budget.js'
import type { BudgetLimits } from '../../src/budget/limits.js'
import { LocalBackplane } from '../../src/cluster/local-backplane.js'
import type { RemoteAddress } from '../../src/pacing/remote-address.js'
import { Registry } from '../../src/registry/registry.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Router } from '../../src/relay/router.js'
import { Dialing, type DialOptions } from '../../src/star/dial.js'
import { Counters } from '../../src/stats.js'
import { address } from './addresses.js'
import { budgetWith } from './budget.js'
import { createSessionEntry, type RecordingSessionEntry } from './session-entry.js'

export const ALICE = address(1)
export const BOB = address(2)

const LIMITS: DialOptions = {
  ackTimeout: 15_000,
  pendingDialsPerSession: 8,
  unacceptedStreams: 16
}
const FLOW = { highWaterMark: 1_048_576, sessionCeiling: 8_388_608, pauseTimeout: 30_000 }
const ACCEPT_TIMEOUT = 60_000

/** Dialling with what it works on, two peers, and a clock that a test moves. */
export class DialScene {
  now = 1_000_000
  readonly registry = new Registry()
  readonly counters = new Counters()
  readonly router: Router
  readonly dialing: Dialing
  /** What the peers were sent, and what dials were answered with, in order. */
  readonly journal: unknown[][] = []
  /** What went wrong that is not a client's fault. */
  readonly faults: unknown[] = []
  readonly alice: RecordingSessionEntry
  readonly bob: RecordingSessionEntry

  readonly budget: Budget

  /** @param rates - dials per second, of a session and of an address */
  constructor(options: Partial<DialOptions> = {}, streamsPerSession = 16, rates: Partial<BudgetLimits> = {}) {
    const clock = () => this.now
    this.budget = budgetWith({ dialsPerSecond: 100, dialsPerSecondPerIp: 100, ...rates }, clock)
    const flow = new FlowControl(FLOW, this.counters, clock)
    this.router = new Router({ streamsPerSession, acceptTimeout: ACCEPT_TIMEOUT }, flow, this.counters, clock)
    const onFault = (fault: unknown) => void this.faults.push(fault)
    const channels = { open: () => assert.fail('there is one node only') }
    const limits = { ...LIMITS, ...options }
    this.dialing = new Dialing(
      limits,
      this.registry,
      this.router,
      new LocalBackplane(),
      channels,
      this.counters,
      onFault
    )
    this.alice = this.joined('alice', ALICE)
    this.bob = this.joined('bob', BOB)
  }

  /** A session that has joined with addresses. */
  joined(name: string, ...addresses: readonly (typeof ALICE)[]): RecordingSessionEntry {
    return this.joinedFrom({ ip: '192.0.2.1', exempt: false, scope: 'global' }, name, ...addresses)
  }

  /** A session from an IP address that has joined with addresses. */
  joinedFrom(remote: RemoteAddress, name: string, ...addresses: readonly (typeof ALICE)[]): RecordingSessionEntry {
    const sessionEntry = createSessionEntry(name, this.journal, { budget: this.budget, remote })
    for (const address of addresses) {
      this.registry.claim(sessionEntry, address)
    }
    return sessionEntry
  }

  /** Dials; the answer is written into the journal. */
  dial(from: RecordingSessionEntry, ...args: unknown[]): void {
    this.dialing.dial(from, args, (...answer) => this.journal.push(['answer', ...answer]))
  }

  dialBob(dialId = 'a', from = this.alice): void {
    this.dial(from, ([...from.addresses.values()][0] ?? ALICE).legacy, BOB.legacy, dialId)
  }
}
