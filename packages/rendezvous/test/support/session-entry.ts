import { SessionEntry } from '../../src/registry/session-entry.js'
import { RecordingSession, type RecordingOptions } from './recording-session.js'

/** Entry of a session that records what it is sent. */
export type RecordingSessionEntry = SessionEntry & { readonly recording: RecordingSession }

export function createSessionEntry(
  id: string,
  journal?: unknown[][],
  options?: RecordingOptions
): RecordingSessionEntry {
  const recording = new RecordingSession(id, journal, options)
  return Object.assign(new SessionEntry(recording.session, 0), { recording })
}

/** Returns the options of a session from an IP address; those of any session if it is undefined. */
export function at(ip: string | undefined): RecordingOptions {
  return ip === undefined ? {} : { remote: { ip, exempt: false, scope: 'global' } }
}
