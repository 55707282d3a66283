import type { Logger } from '../logger.js'

/** In place of a token. */
export const NO_TOKEN = 'none; to list and disconnect peers, set one by WEBSOCKET_STAR_ADMIN_TOKEN or --admin-token'

/** What the server tells its operator when it starts and stops. */
export interface Banner {
  /** @param addresses - multiaddrs for clients */
  listening(urls: readonly string[], addresses: readonly string[]): void
  /** @param generated - undefined if there is no token */
  token(generated: string | undefined): void
  stopped(): void
}

const STOPPED = 'Rendezvous server stopped'

/** Lines on stdout. */
export class TextBanner implements Banner {
  listening(urls: readonly string[], addresses: readonly string[]): void {
    for (const url of urls) console.log(`Listening on: ${url}`)
    for (const address of addresses) console.log(`Give clients: ${address}`)
  }

  token(generated: string | undefined): void {
    console.log(`Admin token:  ${generated ?? NO_TOKEN}`)
  }

  stopped(): void {
    console.log(STOPPED)
  }
}

/** Lines of the log, so that a log collector gets nothing but JSON. A token is never written there. */
export class LogBanner implements Banner {
  readonly #logger: Pick<Logger, 'info'>

  constructor(logger: Pick<Logger, 'info'>) {
    this.#logger = logger
  }

  listening(urls: readonly string[], addresses: readonly string[]): void {
    this.#logger.info({ urls, addresses }, `Listening on: ${urls.join(', ')}`)
  }

  token(): void {
    this.#logger.info(`Admin token: ${NO_TOKEN}`)
  }

  stopped(): void {
    this.#logger.info(STOPPED)
  }
}
