import { statSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ResolvedOptions } from '../option-types.js'

/** Milliseconds between two checks of the files. */
const INTERVAL = 1_000

/**
 * Watches the files of the certificate for changes. Symbolic links are followed, because certbot and Kubernetes point them to new
 * files after a renewal.
 */
export class TlsFiles {
  readonly #paths: readonly string[]
  /** Versions of the files that were read last. */
  #read = ''
  /** Versions of the files at the last check, if they differ from the versions that were read. */
  #changed: string | undefined
  #isLooking = false
  #timer: NodeJS.Timeout | undefined

  constructor({ key, cert, pfx }: Pick<ResolvedOptions, 'key' | 'cert' | 'pfx'>) {
    this.#paths = [key, cert, pfx].filter((path) => path !== undefined)
  }

  /** Records the present versions of the files. Call this right before the files are read. */
  willRead(): void {
    this.#changed = undefined
    this.#read = this.#paths.map((path) => versionOf(statSync(path, { throwIfNoEntry: false }))).join()
  }

  watch(onChange: () => void): void {
    if (this.#paths.length > 0) this.#timer = setInterval(() => void this.#look(onChange), INTERVAL).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(onChange: () => void): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const found = await Promise.all(this.#paths.map((path) => stat(path).catch(() => undefined)))
    this.#isLooking = false
    const versions = found.map(versionOf).join()
    if (versions === this.#read) this.#changed = undefined
    // Key and certificate are written one after the other, so a change counts once the files are the same at two checks.
    else if (versions === this.#changed) onChange()
    else this.#changed = versions
  }
}

function versionOf(file: Stats | undefined): string {
  return file === undefined ? 'missing' : [file.dev, file.ino, file.size, file.mtimeMs, file.ctimeMs].join(':')
}
