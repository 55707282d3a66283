import { expect, test } from 'vitest'
import { InvalidOptionsError } from '../src/errors.js'
import { StarError } from '../src/star-error.js'

test('keeps code, message and cause, and names itself', () => {
  const cause = new Error('below')
  const error = new StarError('ERR_TEST', 'what', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'StarError', code: 'ERR_TEST', message: 'what', cause })
  expect(Object.hasOwn(new StarError('ERR_TEST', 'what'), 'cause')).toBe(false)
})

test('is what invalid options throw', () => {
  const error = new InvalidOptionsError('name: expected a text')
  expect(error).toBeInstanceOf(StarError)
  expect(error).toMatchObject({ name: 'InvalidOptionsError', code: 'ERR_INVALID_OPTIONS' })
})
