/** Carries envelopes to other nodes. Some may be lost, or come twice; those of one sender that come, come in order. */
export interface Carrier {
  /**
   * Sends an envelope. Nobody changes its bytes until the other node, which gets a copy of them, has acknowledged it.
   * Envelopes are to come in the order of these calls, and none of them before its call has returned.
   *
   * @returns how many nodes took it: 0 if nobody listens; rejects if it cannot be sent now
   */
  publish(node: string, envelope: Buffer): Promise<number>
}
