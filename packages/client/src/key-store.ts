import { StarError } from '@websocket-star/protocol'
import { generateKey, generateNonExtractableKey, importNonExtractable, keyFromSeed, toPrivateKey } from './key.js'
import type { Ed25519Key, NonExtractableKey, StarPrivateKey } from './key.js'

export interface KeyStoreOptions {
  /** Name of the IndexedDB database. Default `'websocket-star'`. */
  database?: string
  /** Name of the key in the database, for pages with several peers. Default `'default'`. */
  name?: string
  /**
   * Store the seed, so that the key can be exported. Any script of the page, and anyone who can read the browser's files, can
   * then steal the key. Default false.
   */
  extractable?: boolean
}

/** A key could not be stored or loaded: IndexedDB is missing, or not available to the page. */
export class KeyStoreError extends StarError {
  override readonly name = 'KeyStoreError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_KEY_STORE', message, options)
  }
}

const STORE = 'keys'

interface ExtractableKey {
  readonly extractable: true
  readonly seed: Uint8Array
}

/** A bare seed was stored by a browser without Ed25519, or by an early version of this package. */
type StoredKey = NonExtractableKey | ExtractableKey | Uint8Array

/**
 * Loads the key of this page's origin from IndexedDB, and generates it on the first call. All pages and workers of the origin
 * get the same key, even if they call at the same time.
 *
 * If the browser has Ed25519 in WebCrypto (Chromium 137, Firefox 129, Safari 17, over HTTPS or on localhost), not even this page
 * can read the key. Otherwise the seed is stored, and replaced by a non-extractable key as soon as the browser has Ed25519, unless
 * it was requested as `extractable`.
 *
 * @throws {KeyStoreError} also if the stored key cannot be exported and `extractable` is set
 */
export function loadOrCreateKey(options: KeyStoreOptions & { extractable: true }): Promise<Ed25519Key>
export function loadOrCreateKey(options?: KeyStoreOptions): Promise<StarPrivateKey>
export async function loadOrCreateKey({
  database = 'websocket-star',
  name = 'default',
  extractable = false
}: KeyStoreOptions = {}): Promise<StarPrivateKey> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory }
  if (indexedDB === undefined) {
    throw new KeyStoreError('IndexedDB is not available: store the seed of a key yourself, and use keyFromSeed')
  }
  let db: IDBDatabase | undefined
  try {
    db = await open(indexedDB, database)
    return await (extractable ? loadExtractable(db, name) : loadNonExtractable(db, name))
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause
    throw new KeyStoreError(`The key ${JSON.stringify(name)} could not be stored in IndexedDB`, { cause })
  } finally {
    db?.close()
  }
}

async function loadExtractable(db: IDBDatabase, name: string): Promise<Ed25519Key> {
  const { seed } = await generateKey()
  const key = await update(db, name, (known = seed) =>
    known instanceof Uint8Array ? { extractable: true, seed: known } : known
  )
  if ('seed' in key) return await keyFromSeed(key.seed)
  throw new KeyStoreError(`The key ${JSON.stringify(name)} is not extractable: use another name`)
}

async function loadNonExtractable(db: IDBDatabase, name: string): Promise<StarPrivateKey> {
  const { seed } = await generateKey()
  const fresh = await generateNonExtractableKey()
  const known =
    (fresh && (await tryToUpdate(db, name, (now = fresh) => now))) ?? (await update(db, name, (now = seed) => now))
  if (!(known instanceof Uint8Array)) return await privateKeyOf(known)
  const imported = await importNonExtractable(known)
  // Another page may have replaced the seed meanwhile.
  const replace = (now: StoredKey = known): StoredKey => (now instanceof Uint8Array ? (imported ?? now) : now)
  return await privateKeyOf((await tryToUpdate(db, name, replace)) ?? known)
}

/** Returns undefined if non-extractable keys cannot be stored, as in some private windows. */
async function tryToUpdate(...args: Parameters<typeof update<StoredKey>>): Promise<StoredKey | undefined> {
  try {
    return await update(...args)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return undefined
    throw error
  }
}

async function privateKeyOf(stored: StoredKey): Promise<StarPrivateKey> {
  if ('privateKey' in stored) return toPrivateKey(stored)
  const { type, publicKey, sign } = await keyFromSeed('seed' in stored ? stored.seed : stored)
  return { type, publicKey, sign }
}

function open(indexedDB: IDBFactory, database: string): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
  return settled(request)
}

/** Updates and returns the stored key in one transaction, so that pages that call at the same time get the same key. */
async function update<T extends StoredKey>(
  db: IDBDatabase,
  name: string,
  change: (known: StoredKey | undefined) => T
): Promise<T> {
  const store = db.transaction(STORE, 'readwrite').objectStore(STORE)
  const known: unknown = await settled(store.get(name))
  const stored = change(isStoredKey(known) ? known : undefined)
  if (stored !== known) await settled(store.put(stored, name))
  return stored
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Uint8Array || 'seed' in value || 'privateKey' in value
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () =>
      reject(request.error ?? new KeyStoreError('IndexedDB failed without saying why'))
    )
  })
}
