export interface FileTarget {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void
  /** @returns a URL of the file, unless it was written to disk */
  finish(): Promise<string | undefined>
  abort(): Promise<void>
}

/** Bytes gathered before they become a Blob, which browsers keep outside the page's memory. */
const PART_SIZE = 4_194_304

/** Keeps a file in Blobs until the page is closed. */
export class BlobTarget implements FileTarget {
  #parts: Blob[] = []
  #pending: Uint8Array<ArrayBuffer>[] = []
  #size = 0

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pending.push(bytes)
    this.#size += bytes.length
    if (this.#size >= PART_SIZE) this.#flush()
  }

  async finish(): Promise<string> {
    this.#flush()
    // Not the sender's type: the file must not be opened in this origin.
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

/** Some browsers have it, in secure contexts. */
interface SavePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>
}

export function canSaveToDisk(): boolean {
  return (globalThis as SavePicker).showSaveFilePicker !== undefined
}

/** Asks the user where to save a file. @returns undefined if the user cancels */
export async function chooseDiskTarget(suggestedName: string): Promise<FileTarget | undefined> {
  try {
    const handle = await (globalThis as SavePicker).showSaveFilePicker?.({ suggestedName })
    return handle === undefined ? undefined : new DiskTarget(await handle.createWritable())
  } catch {
    return undefined
  }
}
