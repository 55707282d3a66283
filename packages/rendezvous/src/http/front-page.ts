import { createHash } from 'node:crypto'
import { parseAddress } from '@websocket-star/protocol'

const SCRIPT = `
const button = document.querySelector('button')
button.hidden = !navigator.clipboard
button.addEventListener('click', async () => {
  await navigator.clipboard.writeText(document.querySelector('output').textContent)
  button.textContent = 'Copied'
})
`

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 12vh auto 0; padding: 0 1.25rem }
h1 { font-size: 1.35rem }
output { display: block; overflow-wrap: anywhere; padding: .75rem 1rem; border: 1px solid #8886; border-radius: .5rem;
  font: .95rem/1.5 ui-monospace, monospace; user-select: all }
button { margin-top: .75rem; padding: .4rem 1rem; font: inherit }
p { color: light-dark(#444, #bbb) }
`

/** Lets the page's own script and style in, by their hashes, and nothing else. */
export const FRONT_PAGE_POLICY = [
  `default-src 'none'`,
  `script-src '${hashOf(SCRIPT)}'`,
  `style-src '${hashOf(STYLE)}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`
].join('; ')

/** The page at `/`: what this is, and the multiaddr for clients to join under. */
export function frontPage(multiaddr: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WebSocketStar rendezvous server</title>
<style>${STYLE}</style>
<h1>WebSocketStar rendezvous server</h1>
<p>Peers that reach this server find each other and exchange streams through it. Let yours listen on</p>
<output>${escapeHtml(multiaddr)}</output>
<button type="button">Copy</button>
<script>${SCRIPT}</script>
</html>
`
}

/**
 * The multiaddr that fits the name a page was asked for under.
 *
 * @param host - the Host header, `name` or `name:port`
 * @returns undefined if it is no name that a multiaddr can hold
 */
export function multiaddrForHost(host: string | undefined, secure: boolean): string | undefined {
  let url
  try {
    url = new URL(`${secure ? 'https' : 'http'}://${host ?? ''}`)
    const { hostname } = url
    const name = hostname.startsWith('[')
      ? `/ip6/${hostname.slice(1, -1)}`
      : /^[\d.]+$/.test(hostname)
        ? `/ip4/${hostname}`
        : `/dns4/${hostname}`
    const port = url.port === '' ? (secure ? '443' : '80') : url.port
    return parseAddress(`${name}/tcp/${port}/${secure ? 'wss' : 'ws'}/p2p-websocket-star`).canonical
  } catch {
    return undefined
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
