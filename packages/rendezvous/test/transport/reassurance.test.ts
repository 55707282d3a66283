import { expect, test } from 'vitest'
import { BacklogWatch } from '../../src/transport/backlog.js'
import { Reassurance } from '../../src/transport/reassurance.js'
import { SYNCHRONOUS_QUEUE } from '../support/budget.js'
import { FlowScene } from '../support/flow.js'
import { RecordingSession } from '../support/recording-session.js'

const INTERVAL = 20_000

test('paused clients and clients with a backlog get one sign of life per interval', () => {
  const scene = new FlowScene()
  const clock = () => scene.now
  const backlog = new BacklogWatch(
    { stallTimeout: 30_000, sessionCeiling: 8_388_608, maxBufferedBytes: 1e9 },
    SYNCHRONOUS_QUEUE,
    clock
  )
  const reassurance = new Reassurance(INTERVAL, scene.flow, backlog, clock)
  const [idle, slow, both] = ['idle', 'slow', 'both'].map((id) => new RecordingSession(id)) as [
    RecordingSession,
    RecordingSession,
    RecordingSession
  ]
  for (const client of [slow, both]) {
    client.recordingLink.buffered = 300_000
    backlog.afterSend(client.session)
  }
  // It does not read the replies to its requests.
  scene.flow.requested(both.session)
  const told = (): number[] => [idle, slow, both].map(({ recordingLink }) => recordingLink.count('reassured'))
  reassurance.sweep()
  expect(told()).toEqual([0, 1, 1])
  scene.now += INTERVAL - 1
  reassurance.sweep()
  expect(told()).toEqual([0, 1, 1])
  scene.now += 1
  reassurance.sweep()
  expect(told()).toEqual([0, 2, 2])
})
