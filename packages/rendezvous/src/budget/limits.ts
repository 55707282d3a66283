/** What a session, an address and the server may cost. */
export interface BudgetLimits {
  /** Milliseconds of CPU per second, besides relaying. */
  workPerSession: number
  workPerIp: number
  /** Requests per second, on average. */
  joinRoundsPerSecond: number
  joinRoundsPerSecondPerIp: number
  dialsPerSecond: number
  dialsPerSecondPerIp: number
  /** Milliseconds that a session may go on sending more than that before it is closed. */
  floodTimeout: number
  /** Bytes of the largest message. */
  messageSize: number
  /** Bytes received and not worked through. */
  receivedBytesPerIp: number
  receivedBytes: number
  /** Bytes queued for the sessions of one address from which on their senders are held sooner. */
  bufferedBytesPerIp: number
}
