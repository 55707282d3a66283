import { expect, test } from 'vitest'
import { DeliveryConfirmation } from '../src/delivery.js'

test('one request at a time confirms all that was sent before it', () => {
  const acknowledge: (() => void)[] = []
  const delivered: string[] = []
  const confirmation = new DeliveryConfirmation((acknowledged) => acknowledge.push(acknowledged))
  for (const name of ['one', 'two', 'three']) confirmation.confirm(() => delivered.push(name))
  expect(acknowledge).toHaveLength(1)
  acknowledge[0]?.()
  expect(delivered).toEqual(['one'])
  expect(acknowledge).toHaveLength(2)
  acknowledge[1]?.()
  expect(delivered).toEqual(['one', 'two', 'three'])
  expect(acknowledge).toHaveLength(2)
  confirmation.confirm(() => delivered.push('four'))
  expect(acknowledge).toHaveLength(3)
})
