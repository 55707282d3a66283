import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import { percentile } from '../load/percentile.js'
import type { PageTrial } from './cases.js'
import { PAGE_PEERS } from './contenders.js'
import { openStage } from './stage.js'

export interface JoinCase {
  kind: 'join'
  /** Pages that come, one after the other. */
  count: number
}

/** From making a client, its key included, until it has joined and sees who is there, in milliseconds. */
export interface JoinFigures {
  /** The first client that a page makes. */
  freshP50: number
  freshMax: number
  /** The second one, when the first has left. */
  againP50: number
  againMax: number
}

/** A peer is on the star; pages come and join, twice each. */
export async function measureJoin(
  { count }: JoinCase,
  { contender, profiles }: Omit<PageTrial, 'case'>
): Promise<JoinFigures> {
  const { library } = PAGE_PEERS[contender]
  const [place, stage] = await Promise.all([openMeetingPlace(PAGE_PEERS[contender], profiles), openStage()])
  const { server } = place
  const resident = await stage.open()
  const peerId = await resident.call('open', { library, server, size: 1 })
  const fresh: number[] = []
  const again: number[] = []
  for (let join = 0; join < count; join++) {
    const page = await stage.open()
    for (const times of [fresh, again]) times.push(await page.call('join', { server, peerId }))
    await page.close()
  }
  await stage.close()
  await place.stop()
  const [first, second] = [summaryOf(fresh), summaryOf(again)]
  return { freshP50: first.p50, freshMax: first.max, againP50: second.p50, againMax: second.max }
}

function summaryOf(times: readonly number[]): { p50: number; max: number } {
  const sorted = Float64Array.from(times).toSorted()
  return { p50: percentile(sorted, 0.5), max: percentile(sorted, 1) }
}
