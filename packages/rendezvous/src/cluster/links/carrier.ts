/** Carries envelopes to other nodes. It may lose or duplicate some, but keeps the order of each sender. */
export interface Carrier {
  /**
   * Sends envelopes in the order of the calls, each after its call has returned. The caller does not change the bytes before the
   * other node has acknowledged them.
   *
   * @returns the number of receivers, 0 if the node is not subscribed; rejects if the envelope cannot be sent now
   */
  publish(node: string, envelope: Buffer): Promise<number>
}
