import type { Attachments } from './attachments.js'

/**
 * Converts a value to what every version of socket.io sends in the same way: bytes are converted to attachments, and `toJSON` is
 * applied. Objects in which nothing changes are not copied.
 *
 * @throws TypeError if the receiver would get something else, such as `{}` for a Map
 */
export function toWireValue(value: unknown, attachments: Attachments): { wire: unknown; hasBinary: boolean } {
  const conversion = new Conversion(attachments)
  const wire = conversion.convert(value, '')
  if (conversion.hasBinary && conversion.hasPlaceholder) {
    throw new TypeError('the field _placeholder is reserved by socket.io in values with binary: rename it')
  }
  return { wire, hasBinary: conversion.hasBinary }
}

class Conversion {
  readonly #attachments: Attachments
  /** Keys from the value to the item being converted. */
  readonly #keys: string[] = []
  readonly #ancestors: object[] = []
  hasBinary = false
  /** An object looks like socket.io's own mark of an attachment. */
  hasPlaceholder = false

  constructor(attachments: Attachments) {
    this.#attachments = attachments
  }

  convert(value: unknown, key: string): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#convertObject(value, key)
      case 'number':
        if (!Number.isFinite(value)) this.#refuse(String(value))
        return value
      case 'bigint':
        // Some applications define toJSON for them.
        if (!('toJSON' in BigInt.prototype)) this.#refuse('a BigInt')
        return (value as unknown as { toJSON(key: string): unknown }).toJSON(key)
      case 'function':
      case 'symbol':
        return this.#refuse(`a ${typeof value}`)
      default:
        return value
    }
  }

  /** @param isJson - the value is the result of `toJSON`, which JSON calls once */
  #convertObject(value: object, key: string, isJson = false): unknown {
    if (ArrayBuffer.isView(value)) {
      return this.#attach(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), value)
    }
    if (value instanceof ArrayBuffer) return this.#attach(new Uint8Array(value), value)
    if (this.#attachments.isBlob(value)) {
      this.hasBinary = true
      return value
    }
    if (isJson || !('toJSON' in value) || typeof value.toJSON !== 'function') return this.#descend(value)
    const json: unknown = value.toJSON(key)
    return typeof json === 'object' && json !== null ? this.#convertObject(json, key, true) : this.convert(json, key)
  }

  #attach(bytes: Uint8Array, original: object): unknown {
    this.hasBinary = true
    // The writer attaches a value that is all bytes.
    if (this.#keys.length === 0) return bytes
    return this.#attachments.attach(original instanceof Uint8Array ? original : bytes)
  }

  #descend(value: object): unknown {
    if (this.#ancestors.includes(value)) this.#refuse('a reference to an object that contains it')
    this.#ancestors.push(value)
    const converted = Array.isArray(value) ? this.#convertArray(value) : this.#convertFields(value)
    this.#ancestors.pop()
    return converted
  }

  #convertArray(items: readonly unknown[]): unknown {
    let copy: unknown[] | undefined
    for (let index = 0; index < items.length; index++) {
      const item = items[index]
      const converted = this.#convertItem(item, String(index))
      if (converted !== item) (copy ??= [...items])[index] = converted
    }
    return copy ?? items
  }

  #convertFields(value: object): unknown {
    const keys = Object.keys(value)
    if (keys.length === 0 && !isPlain(value)) this.#refuse(nameOf(value))
    const entries: [string, unknown][] = []
    let isSame = true
    for (const key of keys) {
      const item = (value as Record<string, unknown>)[key] // one of its keys
      if (key === 'toJSON' && typeof item === 'function') {
        // Its result is being converted: socket.io must not call it again.
        isSame = false
        continue
      }
      const converted = this.#convertItem(item, key)
      if (key === '_placeholder' && item === true) this.hasPlaceholder = true
      if (converted !== item) isSame = false
      entries.push([key, converted])
    }
    return isSame ? value : Object.fromEntries(entries)
  }

  #convertItem(item: unknown, key: string): unknown {
    if (typeof item === 'string' || typeof item === 'boolean' || item === null) return item
    this.#keys.push(key)
    const converted = this.convert(item, key)
    this.#keys.pop()
    return converted
  }

  #refuse(what: string): never {
    const where = this.#keys.length === 0 ? '' : ` in ${this.#keys.join('.')}`
    throw new TypeError(`${what}${where} is neither JSON nor binary: convert it first${adviceFor(what)}`)
  }
}

/** Returns whether an object without fields is meant as one: of no class, in whichever realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function nameOf(value: object): string {
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`
}

function adviceFor(what: string): string {
  return what === 'a File' || what === 'a Blob' ? ', as with new Uint8Array(await blob.arrayBuffer())' : ''
}
