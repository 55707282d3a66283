import type { Result } from '../schedule.js'
import type { Trial } from '../trial.js'
import type { CrowdServer } from './contenders.js'
import type { IdleCase, IdleFigures } from './idle.js'
import type { JoinsCase, JoinsFigures } from './joins.js'
import type { NewcomerCase, NewcomerFigures } from './newcomer.js'
import type { RoundsCase, RoundsFigures } from './rounds.js'
import type { StormCase, StormFigures } from './storm.js'

/** What a crowd does. */
export type CrowdCase = IdleCase | RoundsCase | JoinsCase | StormCase | NewcomerCase

export interface CrowdFiguresOf {
  idle: IdleFigures
  rounds: RoundsFigures
  join: JoinsFigures
  storm: StormFigures
  newcomer: NewcomerFigures
}

export type CrowdFigures = CrowdFiguresOf[keyof CrowdFiguresOf]

export type CrowdTrial = Trial<CrowdCase, CrowdServer>

export type CrowdResult = Result<CrowdCase, CrowdServer, CrowdFigures>

export function crowdCaseName(of: CrowdCase): string {
  if (of.kind === 'join') return `join/${of.key}/${of.stay ? 'stay' : 'leave'}`
  return `${of.kind}/${of.peers}`
}

/** How many connections a case holds at once. */
export function connectionsOf(of: CrowdCase): number {
  if (of.kind === 'join') return of.joins
  // Those of a storm may overlap with what they leave behind.
  return of.kind === 'storm' ? 2 * of.peers : of.peers
}
