import type { X509Certificate } from 'node:crypto'
import { isIP, Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContextOptions } from 'node:tls'
import { isLoopbackName } from './host-names.js'

/** What a certificate says its server is called. */
export interface CertificateNames {
  /** DNS names, some of which may begin with `*.`; names of the loopback interface are left out. */
  readonly names: readonly string[]
  /** @param host - a name in lower case, or an IP address */
  covers(host: string): boolean
}

/** Reads the names in the certificate that a server with these files shows; undefined if it cannot be read. */
export function certificateNames(tls: SecureContextOptions): CertificateNames | undefined {
  const certificate = certificateOf(tls)
  if (certificate === undefined) return undefined
  return {
    names: dnsNames(certificate).filter((name) => !isLoopbackName(name)),
    covers: (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
  }
}

/** Only a connection tells what is in a PFX file; this one leads nowhere. Some runtimes do not tell. */
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
  // The common name counts only where there are no alternatives, as in `checkHost`.
  const found = alternatives.length > 0 ? alternatives : [...subject.matchAll(/^CN=(\S+\.\S+)$/gm)]
  return found.map(([, name = '']) => name.toLowerCase())
}
