import type { Trial } from '../../harness/measure.js'
import { ascending, percentile } from '../../report/percentile.js'
import { openMeetingPlace } from '../end-to-end/meeting-place.js'
import { openStage, type PageContender } from './stage.js'

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
  { contender, profiles }: Trial<PageContender>
): Promise<JoinFigures> {
  const [place, stage] = await Promise.all([openMeetingPlace(contender, profiles), openStage()])
  const { server } = place
  const resident = await stage.open()
  await resident.call('open', { library: contender.library, server, size: 1 })
  const peerId = await resident.call('address')
  const fresh: number[] = []
  const again: number[] = []
  for (let join = 0; join < count; join++) {
    const page = await stage.open()
    for (const times of [fresh, again]) times.push(await page.call('join', { server, peerId }))
    await page.close()
  }
  await stage.close()
  await place.stop()
  const [first, second] = [ascending(fresh), ascending(again)]
  return {
    freshP50: percentile(first, 0.5),
    freshMax: percentile(first, 1),
    againP50: percentile(second, 0.5),
    againMax: percentile(second, 1)
  }
}
