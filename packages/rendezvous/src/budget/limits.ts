/** Limits of each session, each address and the server. */
export interface BudgetLimits {
  /** Milliseconds of CPU per second, apart from relaying. */
  workPerSession: number
  workPerIp: number
  /** Requests per second. */
  joinRoundsPerSecond: number
  joinRoundsPerSecondPerIp: number
  dialsPerSecond: number
  dialsPerSecondPerIp: number
  /** Milliseconds that a session may keep exceeding its budget before it is closed. */
  floodTimeout: number
  /** Largest message, in bytes. */
  messageSize: number
  /** Unprocessed bytes received. */
  receivedBytesPerIp: number
  receivedBytes: number
  /** Backlogs of one address, in bytes, above which its senders are paused sooner. */
  bufferedBytesPerIp: number
}
