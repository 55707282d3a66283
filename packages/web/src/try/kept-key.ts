import { generateKey, keyFromSeed, type Ed25519Key } from '@websocket-star/client'

/** In the session storage: a tab stays the same peer after a reload, and each tab is another one. */
const KEY = 'websocket-star playground key'

/** Returns the key of this tab; the first call creates it. */
export async function loadKey(): Promise<Ed25519Key> {
  const kept = sessionStorage.getItem(KEY)
  const bytes = kept?.match(/^(?:[0-9a-f]{2}){32}$/)?.[0].match(/../g)
  const key = await (bytes === undefined || bytes === null
    ? generateKey()
    : keyFromSeed(Uint8Array.from(bytes, (text) => Number.parseInt(text, 16))))
  sessionStorage.setItem(KEY, [...key.seed].map((byte) => byte.toString(16).padStart(2, '0')).join(''))
  return key
}

/** Deletes the key, so that the tab becomes another peer after a reload. */
export function forgetKey(): void {
  sessionStorage.removeItem(KEY)
}
