import type { X509Certificate } from 'node:crypto'
import { isIP, Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContextOptions } from 'node:tls'
import { isLoopbackName } from './host-names.js'

/** Names of the server in its certificate. */
export interface CertificateNames {
  /** Date of expiry, as OpenSSL writes it. */
  readonly validTo: string
  /** DNS names, some beginning with `*.`, without names of loopback. */
  readonly names: readonly string[]
  /** @param host - name in lower case, or IP address */
  covers(host: string): boolean
}

/** Reads the names in a server's certificate; undefined if it cannot be read. */
export function certificateNames(tls: SecureContextOptions): CertificateNames | undefined {
  const certificate = certificateOf(tls)
  if (certificate === undefined) return undefined
  return {
    validTo: certificate.validTo,
    names: dnsNames(certificate).filter((name) => !isLoopbackName(name)),
    covers: (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
  }
}

/** Returns the certificate by means of a dummy connection, which also works for PFX files, but not on all runtimes. */
function certificateOf(tls: SecureContextOptions): X509Certificate | undefined {
  let socket: TLSSocket | undefined
  try {
    socket = new TLSSocket(new Socket(), { isServer: true, secureContext: createSecureContext(tls) })
    return socket.getX509Certificate()
  } catch {
    return undefined
  } finally {
    socket?.destroy()
  }
}

function dnsNames({ subjectAltName, subject }: X509Certificate): string[] {
  const alternatives = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^\s",]+)/g)]
  // Without alternative names the common name counts, as in `checkHost`.
  const found = alternatives.length > 0 ? alternatives : [...subject.matchAll(/^CN=(\S+\.\S+)$/gm)]
  return found.map(([, name = '']) => name.toLowerCase())
}
