import type { PeersWanted } from '@websocket-star/protocol'
import type { Encoded } from '../../src/codec/encoded.js'
import { readQueueHeader, type ChunkHeader } from '../../src/codec/stream-frame.js'
import type { Budget } from '../../src/budget/budget.js'
import type { SessionAccount } from '../../src/budget/session-account.js'
import type { RemoteAddress } from '../../src/pacing/remote-address.js'
import type { CloseReason } from '../../src/stats.js'
import type { RequestOutcome } from '../../src/transport/acks.js'
import type { Link } from '../../src/transport/link.js'
import type { Session } from '../../src/transport/session.js'
import { budgetWith } from './budget.js'
import { RecordingLink } from './recording-link.js'

interface RecordedRequest {
  name: string
  args: readonly unknown[]
  timeout: number
  settle: (outcome: RequestOutcome) => void
}

export interface RecordingOptions {
  budget?: Budget
  remote?: RemoteAddress
}

interface RecordedProbe {
  timeout: number
  settle: (alive: boolean) => void
}

const REMOTE: RemoteAddress = { ip: '192.0.2.1', exempt: false, scope: 'global' }
/** Budget without rates, for tests of other things. */
const BUDGET = budgetWith({
  joinRoundsPerSecond: 1_000_000,
  joinRoundsPerSecondPerIp: 1_000_000,
  dialsPerSecond: 1_000_000,
  dialsPerSecondPerIp: 1_000_000
})

/** Session without a connection, which records what it sends. A test answers its requests. */
export class RecordingSession implements Pick<Session, keyof Session> {
  readonly id: string
  readonly protocol = 4
  readonly remote: RemoteAddress
  readonly account: SessionAccount
  extended = false
  peers: PeersWanted = 'windows'
  requestedPeers: PeersWanted | undefined
  readonly recordingLink = new RecordingLink()
  /** Kind and parts of each sent frame, in order. */
  readonly sent: unknown[][] = []
  readonly requests: RecordedRequest[] = []
  readonly probes: RecordedProbe[] = []
  readonly #journal: unknown[][]

  /** @param journal - shared record of sessions, each line led by the id of the sender */
  constructor(id: string, journal: unknown[][] = [], { budget = BUDGET, remote = REMOTE }: RecordingOptions = {}) {
    this.id = id
    this.remote = remote
    this.account = budget.open(remote)
    this.#journal = journal
  }

  /** A cast, since private fields make classes nominal. */
  get session(): Session {
    return this as unknown as Session
  }

  get texts(): unknown[] {
    return this.sent.filter(([kind]) => kind === 'text').map(([, text]) => text)
  }

  get ended(): boolean {
    return this.recordingLink.ended
  }

  set ended(ended: boolean) {
    this.recordingLink.ended = ended
  }

  get closing(): boolean {
    return this.ended
  }

  get closes(): CloseReason[] {
    return this.recordingLink.closes
  }

  get buffered(): number {
    return this.recordingLink.buffered
  }

  get link(): Link {
    return this.recordingLink.link
  }

  get isPausable(): boolean {
    return this.link.isDirect
  }

  get network(): string | Session {
    return this.account.address.network ?? this.session
  }

  get identity(): Session {
    return this.session
  }

  allowance(usual: number): number {
    return usual
  }

  onDrain(mark: number): void {
    this.recordingLink.onDrain(mark)
  }

  reassure(): void {
    this.link.reassure()
  }

  pause(): void {
    this.recordingLink.pause()
  }

  resume(): void {
    this.recordingLink.resume()
  }

  request(name: string, args: readonly unknown[], timeout: number, settle: (outcome: RequestOutcome) => void): void {
    this.requests.push({ name, args, timeout, settle })
    this.#record('request', name, ...args)
  }

  /** Answers the oldest unanswered request. */
  answer(...args: unknown[]): void {
    this.#settleOldest({ answered: true, args })
  }

  /** Ends the oldest unanswered request without an answer. */
  failToAnswer(reason: 'timeout' | 'closed'): void {
    this.#settleOldest({ answered: false, reason })
  }

  sendText(text: string): void {
    this.#record('text', text)
  }

  sendEncoded({ texts }: Encoded): void {
    for (const text of texts) this.sendText(text)
  }

  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    // Not a copy, so that tests can tell whether the payload was copied.
    this.#record('chunk', readQueueHeader(header.text)?.stream, offset === 0 ? bytes : bytes.subarray(offset))
  }

  sendAccept(stream: string, window: number | undefined): void {
    this.#record('accept', stream, window)
  }

  sendCredit(stream: string, bytes: number): void {
    this.#record('credit', stream, bytes)
  }

  sendError(stream: string, reason: true | string): void {
    this.#record('error', stream, reason)
  }

  probe(timeout: number): Promise<boolean> {
    return new Promise((settle) => this.probes.push({ timeout, settle }))
  }

  acknowledged(): boolean {
    return true
  }

  close(reason: CloseReason): void {
    this.link.close(reason)
  }

  #settleOldest(outcome: RequestOutcome): void {
    const request = this.requests.shift()
    if (request === undefined) throw new Error(`Nothing was asked of session ${this.id}`)
    request.settle(outcome)
  }

  #record(...line: unknown[]): void {
    this.sent.push(line)
    this.#journal.push([this.id, ...line])
  }
}
