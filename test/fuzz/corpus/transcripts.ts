import type { Step, Transcript } from '../sockets/transcript.js'

/** Transcripts that once made a server fail, together; `test/fuzz/corpus.test.ts` plays each. */
export const TRANSCRIPTS: readonly (readonly Transcript[])[] = [
  // A packet nested 4,000 deep, before any join, which ended the first server.
  [
    {
      server: 'default',
      way: 'websocket',
      self: 0,
      eio: 3,
      base64: false,
      steps: [['text', `44${'['.repeat(4_000)}`]]
    }
  ],
  // A peer is taken over and left again while one that held it before polls no more.
  [
    {
      server: 'default',
      way: 'polling',
      self: 1,
      eio: 4,
      base64: false,
      steps: [
        ['text', '40{"websocketStar":{"version":2,"peers":"none"}}'],
        ['wait', 'connected'],
        ['text', '421["ss-join","<address>","<key>"]'],
        ['wait', 'nonce'],
        ['text', '422["ss-join","<address>","<signature>"]'],
        ['wait', 'joined'],
        ['hush', ''],
        ...Array.from({ length: 10 }, (): Step => ['wait', 'pong'])
      ]
    },
    {
      server: 'default',
      way: 'websocket',
      self: 1,
      eio: 3,
      base64: false,
      steps: Array.from({ length: 12 }, takeOver).flat()
    }
  ],
  // Requests that are none, and names that lead nowhere.
  [
    {
      server: 'lax',
      way: 'http',
      self: 0,
      eio: 4,
      base64: false,
      steps: [
        ['request', 'GET //[::1/socket.io/ HTTP/1.1\r\nHost: [\r\n\r\n'],
        ['request', 'GET /assets/%00%ff HTTP/1.1\r\nHost: star.test\r\nX-Forwarded-For: ::%0:,"\r\n\r\n'],
        [
          'request',
          'POST /socket.io/?EIO=4&transport=polling&sid=__proto__ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'
        ]
      ]
    }
  ]
]

function takeOver(): Step[] {
  return [
    ['text', '421["ss-join","<address>","<key>"]'],
    ['wait', 'nonce'],
    ['text', '422["ss-join","<address>","<signature>"]'],
    ['wait', 'joined'],
    ['text', '42["ss-leave","<address>"]']
  ]
}
