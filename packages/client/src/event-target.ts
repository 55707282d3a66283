import { TypedEventEmitter } from 'main-event'
import type { StarEvents } from './events.js'

/** Listener of an event of the client. */
export type StarEventListener<E extends Event> = ((event: E) => void) | { handleEvent(event: E): void }

/** An `EventTarget` that knows the client's events. Declared here because the types of `main-event` need those of Node. */
export interface StarEventTarget extends EventTarget {
  addEventListener<Name extends keyof StarEvents>(
    name: Name,
    listener: StarEventListener<StarEvents[Name]> | null,
    options?: boolean | AddEventListenerOptions
  ): void
  removeEventListener<Name extends keyof StarEvents>(
    name: Name,
    listener?: StarEventListener<StarEvents[Name]> | null,
    options?: boolean | EventListenerOptions
  ): void
  /** Dispatches an event of the client. */
  safeDispatchEvent<Name extends keyof StarEvents>(
    name: Name,
    init: CustomEventInit<StarEvents[Name]['detail']>
  ): boolean
  listenerCount(name: string): number
}

export const StarEventEmitter: new () => StarEventTarget = TypedEventEmitter<StarEvents>
