import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { ResolvedOptions } from '../option-types.js'
import { InvalidOptionsError } from '../options.js'

/** Reads the key and certificate files, if the options name any. @throws {InvalidOptionsError} if that fails */
export function readTls(options: ResolvedOptions): SecureContextOptions | undefined {
  const { key, cert, pfx, passphrase } = options
  const secret = passphrase === undefined ? {} : { passphrase }
  if (pfx !== undefined) return checked('pfx', { pfx: read('pfx', pfx), ...secret })
  if (key === undefined || cert === undefined) return undefined
  // Checked one by one, so that an error names the right file.
  checked('key', { key: read('key', key), ...secret })
  checked('cert', { cert: read('cert', cert) })
  return checked('cert', { key: read('key', key), cert: read('cert', cert), ...secret })
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw problem(option, `it cannot be read: ${messageOf(error)}`, error)
  }
}

function checked(option: string, context: SecureContextOptions): SecureContextOptions {
  try {
    createSecureContext(context)
    return context
  } catch (error) {
    throw problem(option, complaintOf(error, context.passphrase), error)
  }
}

/** Messages of OpenSSL for a wrong or missing passphrase. */
const LOCKED = /bad decrypt|mac verify failure|interrupted or cancelled/

function complaintOf(error: unknown, passphrase: string | undefined): string {
  const message = messageOf(error)
  if (/DECODER routines::unsupported|no start line/.test(message))
    return 'it contains nothing of that kind in PEM format'
  if (/Unsupported PKCS12 PFX data/.test(message)) {
    return 'its encryption is no longer supported by Node; recreate it with openssl pkcs12 -export'
  }
  if (!LOCKED.test(message)) return `it cannot be used: ${message}`
  return passphrase === undefined ? 'it needs a passphrase' : 'the passphrase does not open it'
}

function problem(option: string, message: string, cause: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: [option], message }], { cause })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
