import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { launchChromium, launchFirefox } from './support/browser.js'
import { setStage } from './support/stage.js'

/** A name that its owner made to lead to this machine. */
const EVIL = 'evil.example'

/** What a page under that name can get out of the server, whatever it does about its headers: the answers' statuses. */
const ATTEMPTS = `(async () => {
  const polling = '/socket.io/?EIO=4&transport=polling'
  const silent = { headers: { 'accept-language': '' } }
  const paths = ['/', '/try', '/metrics', '/events', polling]
  const requests = paths.flatMap((path) => [fetch(path), fetch(path, silent)])
  requests.push(fetch('/admin/drain', { method: 'POST' }), fetch(polling, { ...silent, method: 'POST', body: '40' }))
  const statuses = (await Promise.all(requests)).map(({ status }) => status)
  const socket = new WebSocket('ws://' + location.host + '/socket.io/?EIO=4&transport=websocket')
  const opened = await new Promise((resolve) => {
    socket.onopen = () => resolve('open')
    socket.onclose = () => resolve('closed')
  })
  return [...new Set(statuses), opened]
})()`

describe.each([
  ['Chromium', () => launchChromium({ args: [`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`] })],
  ['Firefox', () => launchFirefox({ extraPrefsFirefox: { 'network.dns.localDomains': EVIL } })]
] as const)('%s', (_name, launch) => {
  const stage = setStage(launch)

  test.each([{}, { allowedOrigins: ['self'] }])(
    'a page whose name leads to the server reads nothing there, and does not connect: %j',
    async (options) => {
      await using star = await startStar(options)
      const page = await stage.openUrl(`http://${EVIL}:${star.port}/`)
      expect(await page.evaluate(ATTEMPTS)).toEqual([421, 'closed'])
      expect(star.server.stats().sessions).toBe(0)
      expect(star.server.stats().refused.host).toBeGreaterThanOrEqual(14)
    }
  )
})
