import { StarError } from '@websocket-star/protocol'
import { generateKey, generateSealedKey, keyFromSeed, sealKey, unsealed } from './key.js'
import type { Ed25519Key, SealedKey, StarPrivateKey } from './key.js'

export interface KeyStoreOptions {
  /** Name of the IndexedDB database. Default `'websocket-star'`. */
  database?: string
  /** Name of the key in it, for pages that are several peers. Default `'default'`. */
  name?: string
  /**
   * Keep the seed itself, so that it can be read and exported. Scripts of the page, and whoever reads the browser's
   * files, can then take the key. Default false: the browser signs, and gives the key to nobody.
   */
  extractable?: boolean
}

/** A key could not be kept, or not be read: there is no IndexedDB, or the browser does not let the page use it. */
export class KeyStoreError extends StarError {
  override readonly name = 'KeyStoreError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_KEY_STORE', message, options)
  }
}

const STORE = 'keys'

/** A seed that somebody asked to be able to read. */
interface OpenKey {
  readonly extractable: true
  readonly seed: Uint8Array
}

/** A bare seed is of a browser that cannot seal keys, or of a version of this package that did not. */
type KeptKey = SealedKey | OpenKey | Uint8Array

/**
 * The key of this page's origin, kept in IndexedDB: the same peer after a reload. The first call makes it. Pages and
 * workers of one origin share it, also when they ask at the same time.
 *
 * Where the browser has Ed25519 in WebCrypto (Chromium 137, Firefox 129, Safari 17, over HTTPS or on localhost), the key
 * cannot be read, by this page neither; elsewhere its seed is kept. A seed that an earlier version or such a browser kept is
 * replaced by a key that cannot be read, unless it is asked for as `extractable`.
 *
 * Two that are joined with one key at the same time are one peer: the newer one is dialled.
 *
 * @throws {KeyStoreError} also if a key that cannot be read is asked for as `extractable`
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
    throw new KeyStoreError('There is no IndexedDB here: keep the seed of a key yourself, and use keyFromSeed')
  }
  let db: IDBDatabase | undefined
  try {
    db = await open(indexedDB, database)
    return await (extractable ? loadOpen(db, name) : loadSealed(db, name))
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause
    throw new KeyStoreError(`The key ${JSON.stringify(name)} could not be kept in IndexedDB`, { cause })
  } finally {
    db?.close()
  }
}

async function loadOpen(db: IDBDatabase, name: string): Promise<Ed25519Key> {
  const { seed } = await generateKey()
  const key = await keep(db, name, (known = seed) =>
    known instanceof Uint8Array ? { extractable: true, seed: known } : known
  )
  if ('seed' in key) return await keyFromSeed(key.seed)
  throw new KeyStoreError(`The key ${JSON.stringify(name)} was made so that it cannot be read: name another one`)
}

async function loadSealed(db: IDBDatabase, name: string): Promise<StarPrivateKey> {
  const { seed } = await generateKey()
  const fresh = await generateSealedKey()
  const known =
    (fresh && (await tryToKeep(db, name, (now = fresh) => now))) ?? (await keep(db, name, (now = seed) => now))
  if (!(known instanceof Uint8Array)) return await usable(known)
  const sealed = await sealKey(known)
  // Another page may have done it meanwhile, or have asked to be able to read it.
  const replace = (now: KeptKey = known): KeptKey => (now instanceof Uint8Array && sealed !== undefined ? sealed : now)
  return await usable((await tryToKeep(db, name, replace)) ?? known)
}

/** Returns undefined where sealed keys are not stored though they exist, as in some private windows. */
async function tryToKeep(...args: Parameters<typeof keep<KeptKey>>): Promise<KeptKey | undefined> {
  try {
    return await keep(...args)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return undefined
    throw error
  }
}

async function usable(kept: KeptKey): Promise<StarPrivateKey> {
  if ('privateKey' in kept) return unsealed(kept)
  const { type, publicKey, sign } = await keyFromSeed('seed' in kept ? kept.seed : kept)
  return { type, publicKey, sign }
}

function open(indexedDB: IDBFactory, database: string): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
  return settled(request)
}

/**
 * Replaces what is kept, in one transaction, so that of two pages that come at once one makes the key and the other gets it.
 *
 * @returns what is kept now
 */
async function keep<T extends KeptKey>(
  db: IDBDatabase,
  name: string,
  change: (known: KeptKey | undefined) => T
): Promise<T> {
  const store = db.transaction(STORE, 'readwrite').objectStore(STORE)
  const known: unknown = await settled(store.get(name))
  const kept = change(isKept(known) ? known : undefined)
  if (kept !== known) await settled(store.put(kept, name))
  return kept
}

function isKept(value: unknown): value is KeptKey {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Uint8Array || 'seed' in value || 'privateKey' in value
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')))
  })
}
