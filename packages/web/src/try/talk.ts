import type { Connection } from '@websocket-star/client'
import { encodeMessage, type Message, type MessageReader } from './wire.js'

/** A connection for messages, with another playground at its other end. */
export class Talk {
  readonly connection: Connection
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #isOpen = true

  constructor(connection: Connection) {
    this.connection = connection
    this.#writer = connection.writable.getWriter()
    this.#writer.closed.catch(() => {}).finally(() => (this.#isOpen = false))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  async send(message: Message): Promise<void> {
    await this.#writer.write(encodeMessage(message))
  }

  /** Reads until the other side has ended; a connection that was lost ends too. */
  async read(reader: MessageReader, take: (message: Message) => void): Promise<void> {
    try {
      for (let message = await reader.next(); message !== undefined; message = await reader.next()) take(message)
      await this.#writer.close()
    } catch (error) {
      this.connection.abort(error)
    }
  }

  close(): void {
    this.#writer.close().catch(() => {})
  }
}
