import type { Member } from '../../src/star/member.js'
import { TokenBucket } from '../../src/star/token-bucket.js'
import { RecordingSession } from './recording-session.js'

/** A member of the star whose session records what it is sent. */
export type RecordingMember = Member & { readonly recording: RecordingSession }

/** @param joinRounds - join requests it may make; they do not refill */
export function createMember(id: string, journal?: unknown[][], joinRounds = 1000): RecordingMember {
  const recording = new RecordingSession(id, journal)
  return {
    recording,
    session: recording.session,
    addresses: new Map(),
    pending: new Map(),
    joinRounds: new TokenBucket(0, joinRounds, 0),
    prefix: undefined,
    idleSince: 0
  }
}
