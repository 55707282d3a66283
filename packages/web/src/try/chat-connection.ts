import type { Connection } from '@websocket-star/client'
import { encodeMessage, type Message, type MessageReader } from './wire.js'

/** A connection that carries messages to another playground. */
export class ChatConnection {
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

  /** Reads messages until the connection ends or is lost. */
  async read(reader: MessageReader, onMessage: (message: Message) => void): Promise<void> {
    try {
      for (let message = await reader.next(); message !== undefined; message = await reader.next()) onMessage(message)
      await this.#writer.close()
    } catch (error) {
      this.connection.abort(error)
    }
  }

  close(): void {
    this.#writer.close().catch(() => {})
  }
}
