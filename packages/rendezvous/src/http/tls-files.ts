import { statSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ResolvedOptions } from '../option-types.js'

/** Milliseconds between two looks at the files. */
const INTERVAL = 1_000

/**
 * Tells when files of the certificate have changed. It looks at what the paths lead to, so that it notices symbolic links that
 * lead elsewhere, as those of certbot and of Kubernetes do after a renewal.
 */
export class TlsFiles {
  readonly #paths: readonly string[]
  /** The files as they were last read. */
  #read = ''
  /** The files at the last look, if they differ from that. */
  #changed: string | undefined
  #isLooking = false
  #timer: NodeJS.Timeout | undefined

  constructor({ key, cert, pfx }: Pick<ResolvedOptions, 'key' | 'cert' | 'pfx'>) {
    this.#paths = [key, cert, pfx].filter((path) => path !== undefined)
  }

  /** Remembers the files as they are: they are read next. */
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
    // Key and certificate are written one after the other, so they have to stay as they are for one interval.
    else if (versions === this.#changed) onChange()
    else this.#changed = versions
  }
}

function versionOf(file: Stats | undefined): string {
  return file === undefined ? 'missing' : [file.dev, file.ino, file.size, file.mtimeMs, file.ctimeMs].join(':')
}
