import { describe, expect, test } from 'vitest'
import {
  InvalidAddressError,
  InvalidKeyError,
  InvalidNonceError,
  InvalidRequestError,
  StarProtocolError,
  WIRE_ERROR_MAX_LENGTH,
  WIRE_ERRORS,
  wireErrorFor
} from '../src/errors.js'
import { StarError } from '../src/star-error.js'

describe('the texts sent over the wire', () => {
  test('are, for what the first server sent too, its own to the letter', () => {
    expect(WIRE_ERRORS).toMatchObject({
      peerNotFound: 'Peer not found',
      notAuthorized: 'Not authorized for this address',
      signatureInvalid: 'Signature Invalid',
      cryptoError: 'Crypto error',
      invalidMultiaddr: 'Invalid multiaddr',
      challengeRequired: 'Crypto Challenge required but no Id provided',
      idNotMatching: 'Id is not matching'
    })
  })

  test('are all different, not empty, and short', () => {
    const texts = Object.values(WIRE_ERRORS)
    expect(new Set(texts).size).toBe(texts.length)
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(0)
      expect(text.length).toBeLessThanOrEqual(WIRE_ERROR_MAX_LENGTH)
    }
  })
})

describe('the error classes', () => {
  test.each([
    [InvalidAddressError, 'InvalidAddressError', 'ERR_INVALID_ADDRESS'],
    [InvalidRequestError, 'InvalidRequestError', 'ERR_INVALID_REQUEST'],
    [InvalidKeyError, 'InvalidKeyError', 'ERR_INVALID_KEY'],
    [InvalidNonceError, 'InvalidNonceError', 'ERR_INVALID_NONCE']
  ])('%o has a stable name and code, and keeps its cause', (ErrorClass, name, code) => {
    const cause = new Error('below')
    const error = new ErrorClass('what', { cause })
    expect(error).toBeInstanceOf(StarProtocolError)
    expect(error).toBeInstanceOf(StarError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name, code, message: 'what', cause })
    expect(String(error)).toBe(`${name}: what`)
    expect(Object.hasOwn(new ErrorClass('what'), 'cause')).toBe(false)
  })
})

describe('the text for an error', () => {
  test.each([
    [new InvalidAddressError('secret'), WIRE_ERRORS.invalidMultiaddr],
    [new InvalidKeyError('secret'), WIRE_ERRORS.cryptoError],
    [new InvalidRequestError('ss-dial: argument 2'), 'Invalid request: ss-dial: argument 2'],
    [new InvalidNonceError('secret'), WIRE_ERRORS.internal],
    [new TypeError('secret'), WIRE_ERRORS.internal],
    ['secret', WIRE_ERRORS.internal],
    [undefined, WIRE_ERRORS.internal]
  ])('%s', (error, text) => {
    expect(wireErrorFor(error)).toBe(text)
  })

  test('is capped', () => {
    const text = wireErrorFor(new InvalidRequestError('x'.repeat(1000)))
    expect(text).toHaveLength(WIRE_ERROR_MAX_LENGTH)
    expect(text).toMatch(/^Invalid request: x+$/)
  })
})
