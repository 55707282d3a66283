import { expect, test } from 'vitest'
import { formatBytes, formatDuration, formatRate } from '../../src/shared/format.js'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [1_536_000, '1.5 MB'],
  [99_950, '100 kB'],
  [999_499, '999 kB'],
  [999_600, '1.0 MB'],
  [4_200_000_000, '4.2 GB'],
  [8e18, '8,000 PB']
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test.each([
  [-5, '0 s'],
  [59_400, '59 s'],
  [59_600, '1 min 0 s'],
  [312_000, '5 min 12 s'],
  [3_600_000, '1 h 0 min'],
  [273_600_000, '3 d 4 h']
])('%d ms are %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text))

test.each([
  [0.25, '0.3'],
  [9.94, '9.9'],
  [12_345.6, '12,346']
])('%d a second are %s', (rate, text) => expect(formatRate(rate)).toBe(text))
