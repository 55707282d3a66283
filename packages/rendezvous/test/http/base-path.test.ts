import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { BasePath } from '../../src/http/base-path.js'
import { serve, type Ask } from './requests.js'

/** Serves the URL that is left of a request's. */
function below(path: string): Promise<Ask> {
  const { request } = new BasePath(path).before({
    request: (incoming: IncomingMessage, response: ServerResponse) => void response.end(incoming.url),
    upgrade: () => {}
  })
  return serve(request)
}

describe.each(['/star', '/star/', '/a/star'])('below %s', (path) => {
  const folder = path.replace(/\/$/, '')

  test.each([
    [`${folder}/`, '/'],
    [`${folder}/try?x=1`, '/try?x=1'],
    [`${folder}//x`, '//x'],
    [`${folder}x`, `${folder}x`],
    ['/ready', '/ready']
  ])('%s is %s', async (url, left) => {
    const ask = await below(path)
    expect(await ask(url)).toMatchObject({ status: 200, body: left })
  })

  test('the path itself leads to its folder, where relative URLs work', async () => {
    const ask = await below(path)
    expect(await ask(`${folder}?x=1`)).toMatchObject({ status: 308, headers: { location: `${folder}/?x=1` } })
  })
})

test.each(['', '/'])('without a path (%j), URLs stay as they are', async (path) => {
  const ask = await below(path)
  expect(await ask('/star/')).toMatchObject({ status: 200, body: '/star/' })
})
