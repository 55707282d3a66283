import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PARSER_INPUTS } from './corpus/parsers.js'
import { TRANSCRIPTS } from './corpus/transcripts.js'
import { PARSERS } from './parsers/index.js'
import { defineParser, holds } from './parsers/parser.js'
import { shrinkList, shrinkText } from './shrink.js'
import { CHUNKS_PER_CHECK, Scene } from './sockets/scene.js'
import { CLIENTS } from './sockets/templates.js'
import { WAYS, type Transcript } from './sockets/transcript.js'

describe('the corpus of parsers', () => {
  test.each(PARSER_INPUTS)('$parser reads $input', async ({ parser, input }) => {
    const found = PARSERS.find(({ name }) => name === parser)
    if (found === undefined) throw new Error(`there is no parser ${parser}`)
    await found.read(input)
  })

  test.each(PARSERS)('$name reads random inputs', async (parser) => {
    expect(await parser.check(1, 50)).toBeUndefined()
  })
})

describe('the corpus of transcripts', () => {
  let scenes: readonly Scene[] = []

  beforeAll(async () => {
    scenes = await Promise.all([Scene.start('default'), Scene.start('lax')])
  })

  afterAll(async () => {
    await Promise.all(scenes.map((scene) => scene[Symbol.asyncDispose]()))
  })

  async function play(transcripts: readonly Transcript[]): Promise<void> {
    for (const scene of scenes) {
      const own = transcripts.filter(({ server }) => server === scene.kind)
      await Promise.all(own.map((transcript) => scene.play(transcript)))
      await scene.check()
    }
  }

  test.each(TRANSCRIPTS)('the servers outlive transcript %#', async (...transcripts) => {
    await play(transcripts)
  })

  test('what clients do reaches joins and streams, by each way', async () => {
    for (const [index, way] of WAYS.filter((way) => way !== 'http').entries()) {
      const transcripts = CLIENTS.flatMap((steps, self) =>
        ([3, 4] as const).map((eio): Transcript => ({
          server: 'default',
          way,
          self: 3 * index + self,
          eio,
          base64: eio === 3,
          steps
        }))
      )
      const [scene] = scenes
      const before = await scene?.process.metrics()
      await play(transcripts)
      // The server makes its metrics once a second.
      const grown = async (name: string): Promise<number> =>
        ((await scene?.process.metrics())?.get(name) ?? 0) - (before?.get(name) ?? 0)
      await expect
        .poll(() => grown('rendezvous_joins_total_success'), { message: `joins by ${way}` })
        .toBeGreaterThan(0)
      await expect
        .poll(() => grown('rendezvous_dials_total_success'), { message: `dials by ${way}` })
        .toBeGreaterThan(0)
      await expect
        .poll(() => grown('rendezvous_relayed_chunks_total'), { message: `chunks by ${way}` })
        .toBeGreaterThan(CHUNKS_PER_CHECK)
    }
  })

  test('nothing is left of them', async () => {
    await Promise.all(scenes.map((scene) => scene.settle()))
  })
})

describe('a failure', () => {
  test('of a parser is found, and told with its smallest input', async () => {
    const read = (text: string): void => holds('there is no bracket', !text.includes('['))
    const parser = defineParser({ name: 'planted', share: 1, inputs: fc.string(), read })
    expect(await parser.check(1, 10_000)).toMatchObject({ input: '"["' })
    await expect(parser.read('a[')).rejects.toThrow('there is no bracket')
  })

  test('is made as small as it can be', async () => {
    const items = Array.from({ length: 100 }, (_, index) => index)
    const smallest = await shrinkList(items, async (some) => some.includes(17) && some.includes(80))
    expect(smallest).toEqual([17, 80])
    expect(await shrinkText('a long text with a [ in it', async (text) => text.includes('['))).toBe('[')
  })
})
