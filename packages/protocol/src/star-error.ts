/**
 * Base class of the errors that all `@websocket-star` packages throw. The underlying error, if there is one, is its `cause`.
 *
 * @example
 * ```ts
 * import { StarError } from '@websocket-star/protocol'
 *
 * function isOffline(error: unknown): boolean {
 *   return error instanceof StarError && error.code === 'ERR_SERVER_UNREACHABLE'
 * }
 * ```
 */
export class StarError extends Error {
  override readonly name: string = 'StarError'
  /** The kind of error. Stable across versions, unlike the message: docs/errors.md lists all codes. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
