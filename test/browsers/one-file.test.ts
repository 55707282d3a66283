import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReadStream } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startStar } from '../support/star.js'
import { echoing, joinClient } from '../support/star-client.js'
import { launchChromium, launchFirefox } from './support/browser.js'
import { ROOT } from './support/site.js'
import { setStage } from './support/stage.js'

/** A name that leads to this machine, and that no browser takes for it. */
const HOST = 'star.test'
const NONCE = 'bm9uY2U'

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port // no pipe
}

/** Serves the one file alone, to pages of all origins. */
async function serveFile(): Promise<{ port: number; requests: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'one-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'websocket-star.js')
  await copyFile(join(ROOT, 'packages/client/dist/browser/websocket-star.js'), file)
  const requests: string[] = []
  const server = createServer(({ url = '' }, response) => {
    requests.push(url)
    if (url !== '/websocket-star.js') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' })
    createReadStream(file).pipe(response)
  })
  return { port: await listen(server), requests }
}

/** Serves a page that may run this module and talk to the star, and may do nothing else. */
async function servePage(script: string, connect: readonly string[]): Promise<number> {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${NONCE}'`,
    `img-src data:`,
    `connect-src ${connect.join(' ')}`,
    `base-uri 'none'`,
    `require-trusted-types-for 'script'`,
    `trusted-types 'none'`
  ]
  const html = `<!doctype html><title>Strict</title><link rel="icon" href="data:,">
<script nonce="${NONCE}">globalThis.violations = []
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
  violations.push([violatedDirective, blockedURI, sample].join(' ')))</script>
<script type="module" nonce="${NONCE}">${script}</script>`
  return await listen(
    createServer(({ url }, response) => {
      if (url !== '/') return void response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy.join('; ') }).end(html)
    })
  )
}

describe.each([
  ['Chromium', () => launchChromium({ args: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`] })],
  ['Firefox', () => launchFirefox({ extraPrefsFirefox: { 'network.dns.localDomains': HOST } })]
] as const)('%s', (browser, launch) => {
  const stage = setStage(launch)

  test.each([
    ['a secure context', '127.0.0.1', true],
    ['a page over plain HTTP, which has no WebCrypto', HOST, false]
  ])(
    'joins by one file of another origin, under a strict policy with Trusted Types, in %s',
    async (_, host, secure) => {
      await using star = await startStar()
      const client = await joinClient(star)
      echoing(client)
      const file = await serveFile()
      const place = `${host}:${star.port}`
      const script = `
      import { createStarClient } from 'http://${host}:${file.port}/websocket-star.js'
      globalThis.echo = async (peerId, text) => {
        const client = await createStarClient({ servers: ['http://${place}'] })
        await client.join()
        const { readable, writable } = await client.dial(peerId)
        const writer = writable.getWriter()
        await writer.write(new TextEncoder().encode(text))
        await writer.close()
        return await new Response(readable).text()
      }`
      const port = await servePage(script, [`http://${place}`, `ws://${place}`])
      const page = await stage.openUrl(`http://${host}:${port}/`)
      expect(await page.evaluate('isSecureContext')).toBe(secure)
      // Older versions of Firefox do not know Trusted Types.
      if (browser === 'Chromium') expect(await page.evaluate('typeof trustedTypes')).toBe('object')
      expect(await page.evaluate(`echo('${client.peerId}', 'hällo')`)).toBe('hällo')
      expect(await page.evaluate('violations')).toEqual([])
      expect(file.requests).toEqual(['/websocket-star.js'])
    }
  )
})
