import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { RemoteProcess } from '../../bench/src/processes/remote-process.js'
import type { AttackerCommands } from './attackers.js'
import type { Attack } from './attacks/attack.js'
import type { Haul } from './attacks/tally.js'
import { attackerAddress, OPERATOR_ADDRESS } from './namespace.js'
import { Target } from './target.js'
import type { Check } from './witnesses/victim.js'
import type { Testimony, WitnessCommands } from './witnesses/witnesses.js'

const START = fileURLToPath(new URL('./start.js', import.meta.url))
/** Milliseconds. */
const WARM_UP = 1_000
const QUIET = 2_000
const AFTERMATH = 2_000
const PATIENCE = 40_000
const SAMPLE = 50
/** The right token has to open each time. */
const TOKEN_ATTEMPTS = 5

export interface TrialOptions {
  readonly checkout: string
  readonly connections: number
  readonly seconds: number
  /** Bytes a second of all attackers together. */
  readonly rate: number
}

/** What one attack did. */
export interface Result {
  readonly attack: string
  readonly about: string
  readonly connections: number
  readonly addresses: number
  readonly seconds: number
  /** Just before the attack. */
  readonly quiet: Testimony
  /** From its begin to two seconds after its end. */
  readonly during: Testimony
  readonly haul: Haul
  readonly checks: readonly Check[]
  /** Resident bytes. */
  readonly rssBefore: number
  readonly rssHighest: number
  /** Share of a core that the server used during the attack. */
  readonly cpu: number
  /** Milliseconds that the server's event loop was late at most, as the server says itself. */
  readonly loopDelay: number
  /** What the server counted meanwhile: `closed: flood` and so on. */
  readonly counted: Readonly<Record<string, number>>
  /** How the server ended, if it did. */
  readonly serverEnd?: string
}

/** Starts a server and well-behaved clients, has them attacked, and takes the figures. */
export async function runTrial(attack: Attack, options: TrialOptions): Promise<Result> {
  const connections = options.connections * (attack.scale ?? 1)
  const seconds = Math.max(options.seconds, attack.seconds ?? 0)
  await using target = await Target.start(options.checkout, attack.openFiles)
  const { url, prefix } = target
  const [witnesses, attackers] = await Promise.all([
    RemoteProcess.run<WitnessCommands>(START, ['witnesses'], { role: 'witnesses' }),
    RemoteProcess.run<AttackerCommands>(START, ['attackers'], { role: 'attackers' })
  ])
  try {
    await attackers.call('prepare', { attack: attack.name, url, prefix, connections, rate: options.rate })
    const victim = await witnesses.call('open', { url, prefix, kind: attack.victim })
    await delay(WARM_UP)
    await witnesses.call('reset')
    await delay(QUIET)
    const quiet = await witnesses.call('testify', PATIENCE)
    const countedBefore = await target.metrics()
    const usageBefore = target.usage()
    await witnesses.call('reset')

    using memory = new MemorySampler(target)
    await attackers.call('begin', victim)
    await delay(seconds * 1_000)
    const cpuSeconds = ((target.usage()?.cpu ?? Number.NaN) - (usageBefore?.cpu ?? 0)) / 1e6
    const checks = target.end === undefined ? await check(attack, target, witnesses) : []
    const haul = await attackers.call('finish')
    await attackers.stop('SIGKILL')
    await delay(AFTERMATH)
    const during = await witnesses.call('testify', PATIENCE)
    const countedAfter = target.end === undefined ? await target.metrics() : new Map<string, number>()
    return {
      attack: attack.name,
      about: attack.about,
      connections,
      addresses: attack.addresses ?? 1,
      seconds,
      quiet,
      during,
      haul,
      checks,
      rssBefore: usageBefore?.rss ?? Number.NaN,
      rssHighest: memory.highest,
      cpu: cpuSeconds / seconds,
      loopDelay: (countedAfter.get('nodejs_eventloop_lag_max_seconds') ?? Number.NaN) * 1_000,
      counted: difference(countedBefore, countedAfter),
      ...(target.end !== undefined && { serverEnd: target.end })
    }
  } finally {
    await Promise.all([attackers.stop('SIGKILL'), witnesses.stop('SIGKILL')])
  }
}

/** Watches how much memory the server holds. */
class MemorySampler implements Disposable {
  highest = 0
  readonly #timer: NodeJS.Timeout
  readonly #peakBefore: number
  readonly #target: Target

  constructor(target: Target) {
    this.#target = target
    this.#peakBefore = target.usage()?.peakRss ?? 0
    this.#timer = setInterval(() => this.#sample(), SAMPLE)
    this.#sample()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    const usage = this.#target.usage()
    if (usage === undefined) return
    // The peak counts what came and went between two samples, once it is higher than it was when the server started.
    const highest = usage.peakRss > this.#peakBefore ? usage.peakRss : usage.rss
    this.highest = Math.max(this.highest, highest || 0)
  }
}

/** Looks while the attack goes on whether what has to work does. */
async function check(
  attack: Attack,
  target: Target,
  witnesses: RemoteProcess<WitnessCommands>
): Promise<readonly Check[]> {
  const checks = attack.victim === undefined ? [] : await witnesses.call('check')
  if (attack.checksToken !== true) return checks
  const token = target.adminToken
  const answers = await Promise.all(
    [OPERATOR_ADDRESS, attackerAddress(0)].flatMap((from) =>
      ['/admin/peers', '/events'].map(async (path): Promise<Check> => {
        const what = `the token opens ${path} from ${from}`
        for (let attempt = 0; attempt < TOKEN_ATTEMPTS; attempt++) {
          const { status } = await target.ask(path, { token, from })
          if (status !== 200) return { what, failure: `HTTP ${status}` }
        }
        return { what }
      })
    )
  )
  return [...checks, ...answers]
}

/** What was refused, dropped, closed, reset or paused meanwhile, by its reason. */
function difference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [key, value] of after) {
    const [, name, reason] = /^rendezvous_(\w+?)(?:_total)?\{.*reason="([^"]*)"/.exec(key) ?? []
    const more = value - (before.get(key) ?? 0)
    if (name !== undefined && more > 0) counts[`${name}: ${reason}`] = more
  }
  return counts
}
