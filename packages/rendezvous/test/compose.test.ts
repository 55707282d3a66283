import { expect, test } from 'vitest'
import { budgetLimits } from '../src/compose.js'
import { parseOptions } from '../src/options.js'

const MIB = 1_048_576

function limitsOf(options: Parameters<typeof parseOptions>[0]) {
  return budgetLimits(parseOptions(options))
}

test('one address has a fixed share of what the whole server may use', () => {
  expect(limitsOf({})).toMatchObject({ receivedBytesPerIp: 32 * MIB, bufferedBytesPerIp: 32 * MIB })
  expect(limitsOf({ limits: { receivedBytes: 64 * MIB }, relay: { maxBufferedBytes: 1_024 * MIB } })).toMatchObject({
    receivedBytes: 64 * MIB,
    receivedBytesPerIp: 8 * MIB,
    bufferedBytesPerIp: 64 * MIB
  })
})

test('one address may always send two of the largest messages', () => {
  const limits = { receivedBytes: 8 * MIB, messageSize: 2 * MIB }
  expect(limitsOf({ limits })).toMatchObject({ receivedBytesPerIp: 4 * MIB })
})
