/** Carries envelopes to other nodes. It may lose or duplicate some, but keeps the order of each sender. */
export interface Carrier {
  /**
   * Sends an envelope, in the order of the calls and not before this call has returned. Its bytes stay unchanged until the
   * other node has acknowledged it.
   *
   * @returns the number of receivers, 0 if the node is not subscribed; rejects if it cannot be sent now
   */
  publish(node: string, envelope: Buffer): Promise<number>
}
