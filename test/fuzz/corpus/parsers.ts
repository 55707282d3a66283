/** Inputs that once failed, or that are near to it: `test/fuzz/corpus.test.ts` reads each. */
export const PARSER_INPUTS: readonly { readonly parser: string; readonly input: unknown }[] = [
  { parser: 'libp2p-peer-id', input: '15psZZ' },
  { parser: 'network', input: '::%000000:00:00:0000:000:0000:0' },
  {
    parser: 'client',
    input: { open: '0null', connect: '40{"sid":"b"}', join: '[null,null,[]]', dial: '[]', after: [] }
  },
  {
    parser: 'client',
    input: { open: '0{"sid":"a"}', connect: '40{"sid":"b"}', join: '[null,null,[]]', dial: '[]', after: [] }
  },
  { parser: 'address', input: `/ip6/::1]?/tcp/1/ws/p2p-websocket-star` },
  { parser: 'address', input: `//dns4//star.test///wss/p2p-websocket-star//ipfs/${'1'.repeat(129)}` },
  { parser: 'key', input: '08'.repeat(1_200) },
  { parser: 'requests', input: [undefined, { toString: null }, '__proto__'] },
  { parser: 'extensions', input: { websocketStar: { version: 2, peers: 'deltas', limits: { x: '1' } }, window: -0 } },
  { parser: 'packet', input: `2${'['.repeat(17)}` },
  { parser: 'packet', input: '51-["x",{"_placeholder":true,"num":0}]' },
  { parser: 'packet', input: '29999999999999999["x"]' },
  {
    parser: 'stream-frame',
    input: ['51-["socket.io-pull-stream.queue.",{"_placeholder":true,"num":0}]', 'socket.io-pull-stream.error.', [], 1]
  },
  { parser: 'place', input: ['100.100.0.10..', '/', false] },
  { parser: 'forwarded', input: { forwarded: `for=192.0.2.1,${' '.repeat(4_000)}"` } },
  { parser: 'host', input: ['[::1]:99999', true] },
  { parser: 'envelope', input: Buffer.from([0xc7, 1, 0, 255]) },
  { parser: 'records', input: Buffer.from('+Qm\tnode|0|/x\n-\t|\nx\n') },
  { parser: 'codec', input: [10n] },
  { parser: 'streams', input: [['queue', 'in', { length: 500_000_000 }]] },
  { parser: 'server', input: 'http://0//.0.0.0' },
  { parser: 'strict-parser', input: ['2', '51-["x",{"_placeholder":true,"num":7}]', Buffer.from('x')] }
]
