import { SessionEntry } from '../../src/registry/session-entry.js'
import { RecordingSession, type RecordingOptions } from './recording-session.js'

/** A member of the star whose session records what it is sent. */
export type RecordingMember = SessionEntry & { readonly recording: RecordingSession }

export function createMember(id: string, journal?: unknown[][], options?: RecordingOptions): RecordingMember {
  const recording = new RecordingSession(id, journal, options)
  return Object.assign(new SessionEntry(recording.session, 0), { recording })
}

/** The options of a member that connects from an address; those of any if it is undefined. */
export function at(ip: string | undefined): RecordingOptions {
  return ip === undefined ? {} : { remote: { ip, exempt: false, reach: 'anywhere' } }
}
