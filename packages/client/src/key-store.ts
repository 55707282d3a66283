import { StarClientError } from './errors.js'
import { generateKey, keyFromSeed, type Ed25519Key } from './key.js'

export interface KeyStoreOptions {
  /** Name of the IndexedDB database. Default `'websocket-star'`. */
  database?: string
  /** Name of the key in it, for pages that are several peers. Default `'default'`. */
  name?: string
}

/** A key could not be kept, or not be read: there is no IndexedDB, or the browser does not let the page use it. */
export class KeyStoreError extends StarClientError {
  override readonly name = 'KeyStoreError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_KEY_STORE', message, options)
  }
}

const STORE = 'keys'

/**
 * The key of this page's origin, kept in IndexedDB: the same peer after a reload. The first call makes it. Pages and
 * workers of one origin share it, also when they ask at the same time.
 *
 * Two that are joined with one key at the same time are one peer: the newer one is dialled.
 *
 * @throws {KeyStoreError}
 */
export async function loadOrCreateKey({
  database = 'websocket-star',
  name = 'default'
}: KeyStoreOptions = {}): Promise<Ed25519Key> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory }
  if (indexedDB === undefined) {
    throw new KeyStoreError('There is no IndexedDB here: keep the seed of a key yourself, and use keyFromSeed')
  }
  const fresh = await generateKey()
  let db: IDBDatabase | undefined
  try {
    db = await open(indexedDB, database)
    return await keyFromSeed(await getOrPut(db, name, fresh.seed))
  } catch (cause) {
    throw new KeyStoreError(`The key ${JSON.stringify(name)} could not be kept in IndexedDB`, { cause })
  } finally {
    db?.close()
  }
}

function open(indexedDB: IDBFactory, database: string): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE))
  return settled(request)
}

/** In one transaction, so that of two pages that come at once one makes the key and the other gets it. */
async function getOrPut(db: IDBDatabase, name: string, seed: Uint8Array): Promise<Uint8Array> {
  const store = db.transaction(STORE, 'readwrite').objectStore(STORE)
  const known: unknown = await settled(store.get(name))
  if (known instanceof Uint8Array) return known
  await settled(store.put(seed, name))
  return seed
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')))
  })
}
