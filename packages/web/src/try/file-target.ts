/** Where a file that is received goes to. */
export interface FileTarget {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void
  /** @returns where to get it from, unless it was written to the disk */
  finish(): Promise<string | undefined>
  abort(): Promise<void>
}

/** Bytes that are gathered before the browser is given them to keep, which it does outside the page's memory. */
const PART = 4_194_304

/** Keeps a file with the browser, part by part, until the page is left. */
export class BlobTarget implements FileTarget {
  #parts: Blob[] = []
  #pending: Uint8Array<ArrayBuffer>[] = []
  #size = 0

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pending.push(bytes)
    this.#size += bytes.length
    if (this.#size >= PART) this.#flush()
  }

  async finish(): Promise<string> {
    this.#flush()
    // Never of the type that the sender might wish: it is to be saved, not to be opened at this origin.
    return URL.createObjectURL(new Blob(this.#parts, { type: 'application/octet-stream' }))
  }

  async abort(): Promise<void> {
    this.#parts = []
    this.#pending = []
  }

  #flush(): void {
    this.#parts.push(new Blob(this.#pending))
    this.#pending = []
    this.#size = 0
  }
}

/** Writes to a file that the user chose. */
class DiskTarget implements FileTarget {
  readonly #writable: FileSystemWritableFileStream

  constructor(writable: FileSystemWritableFileStream) {
    this.#writable = writable
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#writable.write(bytes)
  }

  async finish(): Promise<undefined> {
    await this.#writable.close()
  }

  abort(): Promise<void> {
    return this.#writable.abort()
  }
}

/** In some browsers, in pages that came over HTTPS or from this machine. */
interface SavePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>
}

export function canSaveToDisk(): boolean {
  return (globalThis as SavePicker).showSaveFilePicker !== undefined
}

/** Asks where to save a file. @returns undefined if the user would rather not */
export async function chooseDiskTarget(suggestedName: string): Promise<FileTarget | undefined> {
  try {
    const handle = await (globalThis as SavePicker).showSaveFilePicker?.({ suggestedName })
    return handle === undefined ? undefined : new DiskTarget(await handle.createWritable())
  } catch {
    return undefined
  }
}
