import { shortPeerId, type StarAddress } from '@websocket-star/protocol'
import type { Logger } from '../logger.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { CloseReason, RefusalDetails } from '../stats.js'

/** Logs the events of sessions, at the level `debug`. */
export class SessionLog {
  readonly #logger: Pick<Logger, 'debug' | 'isLevelEnabled'>

  constructor(logger: Pick<Logger, 'debug' | 'isLevelEnabled'>) {
    this.#logger = logger
  }

  opened(entry: SessionEntry): void {
    const { link, protocol } = entry.session
    this.#write(entry, 'session opened', () => ({
      transport: link.polling ? 'polling' : 'websocket',
      revision: protocol
    }))
  }

  challenged(entry: SessionEntry, address: StarAddress): void {
    this.#write(entry, 'challenge sent', () => placeOf(address))
  }

  joined(entry: SessionEntry, address: StarAddress): void {
    this.#write(entry, 'joined', () => placeOf(address))
  }

  left(entry: SessionEntry, address: StarAddress): void {
    this.#write(entry, 'left', () => placeOf(address))
  }

  dialled(entry: SessionEntry, { peerId }: StarAddress): void {
    this.#write(entry, 'connection opened', () => ({ to: peerId && shortPeerId(peerId) }))
  }

  ended(entry: SessionEntry, reason: CloseReason): void {
    this.#write(entry, 'session ended', () => ({ reason }))
  }

  #write(entry: SessionEntry, message: string, describe: () => object): void {
    if (this.#logger.isLevelEnabled?.('debug') === false) return
    this.#logger.debug({ ...whoIs(entry), ...describe() }, message)
  }
}

/** Returns the fields of a log line that name a session, and the peer that the session last joined as. */
export function whoIs({ number, session, addresses }: SessionEntry): Pick<RefusalDetails, 'session' | 'ip' | 'peer'> {
  const peerId = [...addresses.values()].at(-1)?.peerId
  return { session: number, ip: session.remote.ip, ...(peerId === undefined ? {} : { peer: shortPeerId(peerId) }) }
}

/** Returns the fields of a log line for an address that a client offered, which may be malformed: its prefix and its peer. */
export function offerOf(address: unknown): Pick<RefusalDetails, 'offered' | 'peer'> {
  if (typeof address !== 'string') return {}
  const [, offered, peerId] = /^(.{1,200}?)\/(?:p2p|ipfs)\/(\w{1,128})$/.exec(address) ?? []
  return offered === undefined || peerId === undefined ? { offered: address } : { offered, peer: shortPeerId(peerId) }
}

function placeOf({ prefix, canonical, peerId }: StarAddress): object {
  return { address: prefix ?? canonical, peer: peerId && shortPeerId(peerId) }
}
