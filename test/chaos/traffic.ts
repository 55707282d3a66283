import { setTimeout as delay } from 'node:timers/promises'
import { type Random, within } from '@websocket-star/testkit'
import type { HalfPlan } from './half.js'
import { Pace } from './pace.js'
import type { Party } from './parties.js'
import type { Accept } from './peers/peer.js'
import type { Report } from './report.js'
import { messageOf, type Transfer, Transfers } from './transfers.js'

/** Share of looks at the parties at which one of them does something other than talk. */
const DEED = 0.2
/** Milliseconds between two attempts to reach somebody. */
const RETRY = 1_000
/** Milliseconds that deeds have to finish. */
const SETTLE = 60_000

type Plans = readonly [HalfPlan, HalfPlan]

export interface TrafficRules {
  /** Number of transfers under way at once. */
  readonly talks: number
  /** Bytes a second, of all transfers together. */
  readonly rate: number
  /** Number of dials that a pair has when nothing fails, of which one has to work. */
  readonly attempts: number
  canTalk(one: Party, other: Party): boolean
  /** Plans one direction of a transfer. */
  plan(from: Party, to: Party, random: Random): HalfPlan
  /** Returns why a transfer may have failed; undefined if it may not. */
  explain(transfer: Transfer): string | undefined
  violated(what: string): void
}

/** What parties do: they talk to each other, come and go. */
export class Traffic {
  readonly accept: Accept = (pipe) => this.#transfers.accept(pipe)
  readonly #random: Random
  readonly #report: Report
  readonly #rules: TrafficRules
  readonly #transfers: Transfers
  readonly #deeds = new Set<Promise<void>>()
  #parties: readonly Party[] = []
  #loops: readonly Promise<void>[] = []
  #isOn = false
  /** Readers do not wait any more. */
  #isHurry = false

  constructor(random: Random, report: Report, rules: TrafficRules) {
    this.#random = random
    this.#report = report
    this.#rules = rules
    const pace = new Pace(rules.rate)
    const isHurry = () => this.#isHurry
    this.#transfers = new Transfers(
      {
        get isHurry() {
          return isHurry()
        },
        pace: (bytes) => pace.take(bytes),
        checked: (bytes) => report.checked(bytes)
      },
      (error) => rules.violated(error.message)
    )
  }

  get parties(): readonly Party[] {
    return this.#parties
  }

  async gather(parties: readonly Party[], homeOf: (index: number) => number): Promise<void> {
    this.#parties = parties
    await Promise.all(parties.map((party, index) => party.appear(homeOf(index))))
  }

  start(): void {
    this.#isOn = true
    this.#isHurry = false
    this.#loops = [...Array.from({ length: this.#rules.talks }, () => this.#talk()), this.#act()]
  }

  /** Begins nothing more, and waits for the transfers under way. */
  async stop(): Promise<void> {
    this.#isOn = false
    this.#isHurry = true
    await Promise.all(this.#loops)
  }

  /** Waits for what parties are doing. */
  async settle(): Promise<void> {
    this.#isHurry = true
    await within('parties to settle', Promise.all(this.#deeds), SETTLE)
  }

  /** Everybody dials everybody, which has to work. */
  async dialAll(): Promise<void> {
    const plan: HalfPlan = { bytes: 300, manner: 'fast' }
    await Promise.all(
      this.#parties.map(async (near) => {
        for (const far of this.#parties) {
          if (far !== near && this.#rules.canTalk(near, far)) await this.#reach(near, far, [plan, plan])
        }
      })
    )
  }

  async leave(): Promise<void> {
    await Promise.all(this.#parties.map((party) => party.leave()))
  }

  /** Dials somebody, again and again. */
  async #talk(): Promise<void> {
    while (this.#isOn) {
      const pair = this.#choosePair()
      if (pair !== undefined) {
        const [near, far] = pair
        const plans = [this.#rules.plan(near, far, this.#random), this.#rules.plan(far, near, this.#random)] as const
        if (await this.#transfer(near, far, plans, false)) this.#report.complete(false)
      }
      await delay(20 + this.#random.below(200))
    }
  }

  #choosePair(): [Party, Party] | undefined {
    const near = this.#random.pick(this.#parties)
    const others = this.#parties.filter((far) => far !== near && !far.isGone && this.#rules.canTalk(near, far))
    return near.isThere && others.length > 0 ? [near, this.#random.pick(others)] : undefined
  }

  async #reach(near: Party, far: Party, plans: Plans): Promise<void> {
    for (let left = this.#rules.attempts; left > 0; left--) {
      if (await this.#transfer(near, far, plans, left === 1)) return this.#report.complete(true)
      await delay(RETRY)
    }
  }

  /** @returns whether all bytes have arrived */
  async #transfer(near: Party, far: Party, plans: Plans, hasToWork: boolean): Promise<boolean> {
    try {
      const { transfer, outcome } = await this.#transfers.run(near, far, plans)
      if (outcome.type === 'complete') return true
      const why = outcome.type === 'given up' ? 'was planned' : this.#rules.explain(transfer)
      this.#report.failed(outcome, why)
      const isFine = outcome.type === 'undialled' || why !== undefined
      if (!isFine || hasToWork) this.#rules.violated(`${String(transfer)} is ${outcome.type}: ${outcome.reason}`)
    } catch (error) {
      this.#rules.violated(messageOf(error))
    }
    return false
  }

  /** Lets parties come and go. */
  async #act(): Promise<void> {
    while (this.#isOn) {
      const idle = this.#parties.filter(({ isBusy }) => !isBusy)
      if (idle.length > 0 && this.#random.chance(DEED)) {
        const party = this.#random.pick(idle)
        const deed = this.#do(party).finally(() => this.#deeds.delete(deed))
        this.#deeds.add(deed)
      }
      await delay(100)
    }
  }

  async #do(party: Party): Promise<void> {
    party.isBusy = true
    try {
      this.#report.deed(await party.do(this.#random))
    } catch (error) {
      this.#rules.violated(`${party.name}: ${messageOf(error)}`)
    } finally {
      party.isBusy = false
    }
  }
}
