import { generateKeyPair } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rsaIdentity, type Identity } from './identity.js'

const POOL = fileURLToPath(new URL('../../../../node_modules/.cache/bench/rsa-2048.json', import.meta.url))
/** As many as libuv has threads. */
const AT_ONCE = 4

/** RSA-2048 keys take a fifth of a second each, so they are kept: no two peers have the same one. */
export async function rsaIdentities(count: number): Promise<Identity[]> {
  const keys = existsSync(POOL) ? (JSON.parse(readFileSync(POOL, 'utf8')) as string[]) : [] // as it was written below
  if (keys.length < count) {
    console.error(`generating ${count - keys.length} RSA keys …`)
    const generate = async () => {
      while (keys.length < count) keys.push(await generateKey())
    }
    await Promise.all(Array.from({ length: AT_ONCE }, generate))
    mkdirSync(dirname(POOL), { recursive: true })
    writeFileSync(POOL, JSON.stringify(keys))
  }
  return keys.slice(0, count).map(rsaIdentity)
}

async function generateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  })
  return privateKey
}
