import type { ComponentLogger, Logger } from '@libp2p/interface'

/** One call of a logger. */
export interface LogEntry {
  /** Such as `libp2p:websocket-star:listener`. */
  readonly component: string
  readonly level: 'info' | 'error' | 'trace'
  /** With the placeholders that it was called with. */
  readonly text: string
  readonly args: readonly unknown[]
}

/** A logger for a node that keeps what it is told. */
export function recordingLogger(): { logger: ComponentLogger; entries: LogEntry[] } {
  const entries: LogEntry[] = []
  const loggerOf = (component: string): Logger => {
    const at =
      (level: LogEntry['level']) =>
      (text: unknown, ...args: unknown[]): void =>
        void entries.push({ component, level, text: String(text), args })
    return Object.assign(at('info'), {
      error: at('error'),
      trace: at('trace'),
      enabled: true,
      newScope: (name: string) => loggerOf(`${component}:${name}`)
    })
  }
  return { logger: { forComponent: loggerOf }, entries }
}
