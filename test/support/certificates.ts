import { generateKeyPair } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import forge from 'node-forge'

/** A certificate for the loopback interface that signs itself, and its key, in a folder of their own. */
export interface Certificates extends AsyncDisposable {
  readonly folder: string
  /** What a client has to trust, as PEM. */
  readonly authority: string
  readonly passphrase: string
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
  /** The same key, which the passphrase opens. */
  readonly lockedKey: string
  /** Path of the PKCS #12 file with both, which the passphrase opens. */
  readonly pfx: string
  /** The same, with an empty passphrase. */
  readonly openPfx: string
}

/** @param names - DNS names in the certificate, beside the address of the loopback interface */
export async function createCertificates(
  passphrase = 'correct horse',
  names: readonly string[] = ['localhost']
): Promise<Certificates> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const lockedKey = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()
  const forgeKey = forge.pki.privateKeyFromPem(key)
  const certificate = signed(forgeKey, names)
  const authority = forge.pki.certificateToPem(certificate)
  const pkcs12 = (passphrase: string): Buffer => {
    const archive = forge.pkcs12.toPkcs12Asn1(forgeKey, [certificate], passphrase, { algorithm: '3des' })
    return Buffer.from(forge.asn1.toDer(archive).getBytes(), 'binary')
  }

  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  const save = async (name: string, content: string | Buffer): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  return {
    folder,
    authority,
    passphrase,
    cert: await save('cert.pem', authority),
    key: await save('key.pem', key),
    lockedKey: await save('locked-key.pem', lockedKey),
    pfx: await save('pair.pfx', pkcs12(passphrase)),
    openPfx: await save('open-pair.pfx', pkcs12('')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true })
  }
}

function signed(key: forge.pki.rsa.PrivateKey, names: readonly string[]): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e)
  certificate.serialNumber = '01'
  const now = Date.now()
  const day = 86_400_000
  certificate.validity.notBefore = new Date(now - day)
  certificate.validity.notAfter = new Date(now + day)
  const name = [{ name: 'commonName', value: 'star.example' }]
  certificate.setSubject(name)
  certificate.setIssuer(name)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    {
      name: 'subjectAltName',
      altNames: [...names.map((value) => ({ type: 2, value })), { type: 7, ip: '127.0.0.1' }]
    }
  ])
  certificate.sign(key, forge.md.sha256.create())
  return certificate
}
