import { generateKey, keyFromSeed, type Ed25519Key } from '@websocket-star/client'

/** Kept for this tab: the same peer after a reload, and another one in the next tab. */
const KEY = 'websocket-star playground key'

/** The key of this tab. The first call makes it. */
export async function loadKey(): Promise<Ed25519Key> {
  const kept = sessionStorage.getItem(KEY)
  const bytes = kept?.match(/^(?:[0-9a-f]{2}){32}$/)?.[0].match(/../g)
  const key = await (bytes === undefined || bytes === null
    ? generateKey()
    : keyFromSeed(Uint8Array.from(bytes, (text) => Number.parseInt(text, 16))))
  sessionStorage.setItem(KEY, [...key.seed].map((byte) => byte.toString(16).padStart(2, '0')).join(''))
  return key
}

/** The next peer in this tab will be another one. */
export function forgetKey(): void {
  sessionStorage.removeItem(KEY)
}
