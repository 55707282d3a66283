interface RsaParts {
  modulusBits: number
  /** Default 65537, big-endian. */
  exponent?: number[]
  /** Last byte of the modulus. Default 0xff. */
  lastByte?: number
  /** Zero bytes before the modulus. Default: as DER requires. */
  padding?: number
  /** Algorithm identifier as hex. Default rsaEncryption. */
  algorithm?: string
  /** Hex after the exponent. Default none. */
  trailer?: string
}

/** Builds the libp2p protobuf of an RSA public key, which has no private key. */
export function rsaPublicKey(parts: RsaParts): Buffer {
  const { modulusBits, exponent = [1, 0, 1], lastByte = 0xff, trailer = '' } = parts
  const { algorithm = '300d06092a864886f70d0101010500' } = parts
  const modulus = Buffer.alloc(Math.ceil(modulusBits / 8), 0xff)
  modulus[0] = 0xff >> (modulus.length * 8 - modulusBits)
  modulus[modulus.length - 1] = lastByte
  const padding = parts.padding ?? (modulus[0] >= 0x80 ? 1 : 0)
  const integers = [
    der(0x02, Buffer.concat([Buffer.alloc(padding), modulus])),
    der(0x02, Buffer.from((exponent[0] ?? 0) >= 0x80 ? [0, ...exponent] : exponent)),
    Buffer.from(trailer, 'hex')
  ]
  const bitString = der(0x03, Buffer.concat([Buffer.from([0]), der(0x30, Buffer.concat(integers))]))
  const info = der(0x30, Buffer.concat([Buffer.from(algorithm, 'hex'), bitString]))
  const length = info.length < 0x80 ? [info.length] : [(info.length & 0x7f) | 0x80, info.length >> 7]
  return Buffer.concat([Buffer.from([0x08, 0, 0x12, ...length]), info])
}

function der(tag: number, content: Buffer): Buffer {
  const size = content.length
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content])
  const length = size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
