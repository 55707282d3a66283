/**
 * Base class of the errors of all `@websocket-star` packages. `cause` is the underlying error, if there is one.
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
  /** Stable across versions, unlike the message; listed in docs/errors.md. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
