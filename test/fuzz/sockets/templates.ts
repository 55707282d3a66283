import type { Step } from './transcript.js'

const text = (what: string): Step => ['text', what]
const wait = (what: string): Step => ['wait', what]
const binary = (bytes: number): Step => ['binary', '5a'.repeat(bytes)]

const CONNECT = [text('40'), wait('connected')]
const DELTAS = [text('40{"websocketStar":{"version":2,"peers":"deltas"}}'), wait('connected')]
const JOIN = [
  text('421["ss-join","<address>","<key>"]'),
  wait('nonce'),
  text('422["ss-join","<address>","<signature>"]'),
  wait('joined')
]
const DIAL = [text('423["ss-dial","<address>","<peer>","<dial>"]'), wait('accepted')]
const QUEUE = '451-["socket.io-pull-stream.queue.<dial>.dialer",{"_placeholder":true,"num":0}]'
const CHUNKS = [text(QUEUE), binary(1), text(QUEUE), binary(2_000), text(QUEUE), binary(0)]
const END = text('42["socket.io-pull-stream.error.<dial>.dialer",true]')

/** What clients do, which is changed at random. */
export const CLIENTS: readonly (readonly Step[])[] = [
  CONNECT,
  [...DELTAS, ...JOIN],
  [...CONNECT, ...JOIN, text('42["ss-leave","<address>"]')],
  [...CONNECT, text('421["ss-join","<address>","<key>"]')],
  [...CONNECT, ...JOIN, ...DIAL, ...CHUNKS, END],
  [
    ...DELTAS,
    ...JOIN,
    ...DIAL,
    text('42["socket.io-pull-stream.accept.<dial>.listener",{"window":65536}]'),
    ...CHUNKS,
    text('42["socket.io-pull-stream.credit.<dial>.listener",4096]'),
    text('42["socket.io-pull-stream.error.<dial>.listener","no"]'),
    END
  ],
  // It is dialled by others like it.
  [
    ...CONNECT,
    ...JOIN,
    wait('dialled'),
    text('42["socket.io-pull-stream.accept.<dial>.dialer"]'),
    text('43<ack>[]'),
    text('43<ack>["no"]'),
    text('451-["socket.io-pull-stream.queue.<dial>.listener",{"_placeholder":true,"num":0}]'),
    binary(70_000)
  ],
  [...CONNECT, ...JOIN, text('423["ss-dial","<address>","<other>","<dial>"]'), ...CHUNKS],
  [...CONNECT, text('421["ss-join","<address>"]'), text('422["ss-dial","<address>","<address>","<dial>"]'), text('41')],
  [
    ...CONNECT,
    ...JOIN,
    ...DIAL,
    text('452-["socket.io-pull-stream.queue.<dial>.dialer",{"_placeholder":true,"num":0}]'),
    binary(3)
  ],
  [text('2'), text('3'), ...CONNECT, text('2probe'), text('5'), text('6'), text('41')],
  [...CONNECT, text('420["disconnect"]'), text('42["connect"]'), text('42["__proto__",{}]'), text('431["x"]')]
]

const GET = 'HTTP/1.1\r\nHost: star.test:9090\r\n'

/** Whole requests, which are changed at random. */
export const REQUESTS: readonly string[] = [
  `GET / ${GET}Accept-Encoding: br, gzip\r\n\r\n`,
  `GET /try ${GET}If-None-Match: "x"\r\n\r\n`,
  `HEAD /health ${GET}\r\n`,
  `GET /ready ${GET}\r\n`,
  `GET /metrics ${GET}X-Forwarded-For: 203.0.113.7, ::ffff:10.0.0.1\r\nForwarded: for="[2001:db8::1]:80"\r\n\r\n`,
  `GET /events ${GET}Accept: text/event-stream\r\n\r\n`,
  `GET /assets/index.js ${GET}Range: bytes=0-1,5-\r\n\r\n`,
  `GET /assets/../%2e%2e/%00 ${GET}\r\n`,
  `GET /admin/peers?find=12D3 ${GET}Authorization: Bearer wrong\r\n\r\n`,
  `POST /admin/disconnect ${GET}Authorization: Bearer ${'fuzz'.repeat(4)}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"peer":"x"}`,
  `GET /admin/peers?find=%7f ${GET}Authorization: Bearer ${'fuzz'.repeat(4)}\r\n\r\n`,
  `GET /socket.io/?EIO=4&transport=polling ${GET}Origin: http://evil.test\r\n\r\n`,
  `GET /socket.io/?EIO=3&transport=polling&j=0 ${GET}\r\n`,
  `GET /socket.io/?EIO=4&transport=polling&sid=a&sid=b ${GET}\r\n`,
  `POST /socket.io/?EIO=4&transport=polling&sid=x ${GET}Content-Length: 2\r\n\r\n40`,
  `POST /socket.io/?EIO=4&transport=polling ${GET}Transfer-Encoding: chunked\r\n\r\n2\r\n40\r\n0\r\n\r\n`,
  `OPTIONS /socket.io/?EIO=4&transport=polling ${GET}Origin: null\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
  `PUT /socket.io/ ${GET}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
  `GET http://star.test/socket.io/?EIO=4 ${GET}\r\n`,
  `GET //[::1/socket.io/ ${GET}\r\n`,
  `GET /socket.io/?EIO=4&transport=websocket ${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n`,
  `GET /socket.io/?EIO=4&transport=websocket&sid=x ${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
  `GET /elsewhere ${GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
  `CONNECT star.test:80 ${GET}\r\n`
]

/** Pieces that parsers trip over. */
export const PIECES: readonly string[] = [
  '',
  '[',
  ']',
  '{',
  '}',
  '"',
  '\\',
  '\\u0000',
  '\u0000',
  '\u00ff',
  '/',
  '//',
  '?',
  '&',
  '#',
  ',',
  ':',
  '-',
  ' ',
  '\r\n',
  '\x1e',
  'null',
  'true',
  '0',
  '-1',
  '0.5',
  '1e400',
  '9007199254740993',
  '99999999999999999999',
  '00',
  '51-',
  '52-',
  '61-',
  '4',
  '2',
  '3',
  '<sid>',
  '<id>',
  '<address>',
  '<peer>',
  '<other>',
  '<dial>',
  '<nonce>',
  '<key>',
  '<signature>',
  '"__proto__"',
  '"constructor"',
  '{"_placeholder":true,"num":0}',
  '{"_placeholder":true,"num":1e9}',
  '{"length":500000000}',
  '{"toString":1}',
  '{"toJSON":1}',
  '[[[[[[[[[[[[[[[[[[',
  '{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":',
  '%00',
  '%',
  '%ff',
  '/ip4/1.2.3.4',
  '/unix/x',
  '/p2p/',
  '/ipfs/Qm',
  '.dialer',
  '.listener',
  'ss-join',
  'ss-leave',
  'ss-dial',
  'ss-incomming',
  'socket.io-pull-stream.queue.',
  'socket.io-pull-stream.accept.',
  'socket.io-pull-stream.credit.',
  'socket.io-pull-stream.error.'
]
