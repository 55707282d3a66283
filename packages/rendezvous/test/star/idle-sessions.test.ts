import { expect, test } from 'vitest'
import { WorkQueue } from '../../src/pacing/work-queue.js'
import { Sessions, type SessionsComponents } from '../../src/star/sessions.js'
import { RecordingSession } from '../support/recording-session.js'

const DEADLINE = 60_000

test('sessions that never joined are closed some at a time, and not one that has a stream by then', async () => {
  let now = 0
  const busy = new Set<unknown>()
  // So slow that a turn of the event loop closes two of them.
  const endings = new WorkQueue(1_000, () => (clock += 3))
  let clock = 0
  const router = { halvesOf: (session: unknown) => ({ size: busy.has(session) ? 1 : 0 }) }
  // Idle sessions ask nothing of the other parts.
  const sessions = new Sessions(
    { joinDeadline: DEADLINE },
    { router, endings } as unknown as SessionsComponents,
    () => now
  )
  const recorded = Array.from({ length: 7 }, (_, index) => new RecordingSession(`${index}`))
  for (const { session } of recorded) sessions.opened(session)
  const closed = () => recorded.flatMap(({ closes }) => closes).length
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  now = DEADLINE - 1
  sessions.sweep()
  await turn()
  expect(closed()).toBe(0)

  now = DEADLINE
  sessions.sweep()
  expect(closed()).toBe(2)
  busy.add(recorded[6]?.session)
  await turn()
  expect(closed()).toBe(4)
  await turn()
  await turn()
  expect(recorded.map(({ closes }) => closes)).toEqual([...Array.from({ length: 6 }, () => ['join deadline']), []])
})
