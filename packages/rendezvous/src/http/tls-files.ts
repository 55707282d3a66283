import { unwatchFile, watchFile } from 'node:fs'
import type { ResolvedOptions } from '../option-types.js'

/** Milliseconds between two looks at the files. */
const INTERVAL = 2_000
/** Milliseconds without a further change: certificate and key are written one after the other. */
const SETTLING = 1_000

/**
 * Watches the files of the certificate. It looks at what the paths lead to, so that it notices symbolic links that lead
 * elsewhere, as those of certbot and of Kubernetes do after a renewal.
 */
export class TlsFiles {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  #settling: NodeJS.Timeout | undefined

  constructor({ key, cert, pfx }: Pick<ResolvedOptions, 'key' | 'cert' | 'pfx'>, onChange: () => void) {
    this.#paths = [key, cert, pfx].filter((path) => path !== undefined)
    this.#onChange = onChange
    for (const path of this.#paths) watchFile(path, { interval: INTERVAL, persistent: false }, this.#changed)
  }

  close(): void {
    clearTimeout(this.#settling)
    for (const path of this.#paths) unwatchFile(path, this.#changed)
  }

  readonly #changed = (): void => {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(this.#onChange, SETTLING).unref()
  }
}
