/** The operations of a server that signals ask for. */
export interface Controls {
  /** Ends the server. @param isGentle - lets open streams finish */
  stop: (isGentle: boolean) => void
  reload: () => void
}

/**
 * The signals of the process. They are handled before the server is loaded, since for process 1 of a container the kernel
 * drops signals without a handler. Until there is a server, SIGINT and SIGTERM end the process.
 */
export class Signals {
  #controls: Controls = { stop: () => process.exit(), reload: () => {} }
  #isStopping = false

  constructor() {
    process.on('SIGINT', () => this.#stop(false))
    process.on('SIGTERM', () => this.#stop(!this.#isStopping))
    process.on('SIGHUP', () => this.#controls.reload())
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  control(controls: Controls): void {
    this.#controls = controls
  }

  /** Makes SIGHUP end the process: its terminal was closed. */
  endOnHangup(): void {
    this.#controls = { ...this.#controls, reload: () => this.#stop(false) }
  }

  /** Only a first SIGTERM lets streams finish; every other signal stops the server at once. */
  #stop(isGentle: boolean): void {
    this.#isStopping = true
    this.#controls.stop(isGentle)
  }
}
