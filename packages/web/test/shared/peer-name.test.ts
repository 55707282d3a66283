import { expect, test } from 'vitest'
import { nameOf, shortId } from '../../src/shared/peer-name.js'

const ids = Array.from({ length: 1_000 }, (_, index) => `12D3KooW${index.toString(36).padStart(8, 'x')}`)

test('a peer has the same name everywhere, and few share one', () => {
  for (const id of ids) expect(nameOf(id)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
  expect(nameOf(String(ids[0]))).toBe(nameOf(String(ids[0])))
  // Of 512 names.
  expect(new Set(ids.map(nameOf)).size).toBeGreaterThan(400)
})

test('a long id is told by its end', () => {
  expect(shortId('12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p')).toBe('…G1aoDd2p')
  expect(shortId('QmShort')).toBe('QmShort')
})
