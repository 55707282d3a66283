import { Random } from '@websocket-star/testkit'
import { IDENTITIES } from './identities.js'
import { CLIENTS, PIECES, REQUESTS } from './templates.js'
import { AWAITED, WAYS, type Step, type Transcript, type Way } from './transcript.js'

/** Steps of a transcript at most. */
const STEPS_MAX = 40
const BODIES = [
  '4:2pro',
  '6:40{"a"',
  '2:400:',
  '1:1',
  '99999999999:4',
  '-1:4',
  '\x1e\x1e',
  '40\x1e42["x"]\x1e41',
  'b####',
  'b',
  '4:b4AA',
  ''
] as const
const QUERIES = [
  'EIO=4',
  'EIO=3&transport=websocket',
  'transport=polling',
  'EIO=4&transport=polling&sid=<sid>',
  'sid=<sid>&sid='
] as const

/** Draws a transcript, the same from the same seed. */
export function drawTranscript(seed: number, only: Way | undefined): Transcript {
  const random = new Random(seed)
  const way = only ?? random.pick([...WAYS, 'websocket', 'websocket'] as const)
  const steps = way === 'http' ? drawRequests(random) : drawSteps(random, way)
  return {
    server: random.chance(0.7) ? 'default' : 'lax',
    way,
    self: random.below(IDENTITIES.length),
    eio: random.chance(0.5) ? 3 : 4,
    base64: random.chance(0.2),
    steps
  }
}

/** Several requests on one connection, as some clients send them without waiting. */
function drawRequests(random: Random): Step[] {
  return Array.from({ length: 1 + random.below(12) }, (): Step => {
    if (random.chance(0.03)) return ['frame', randomHex(random, 40)]
    return ['request', changeSome(random, random.pick(REQUESTS))]
  })
}

function drawSteps(random: Random, way: Way): Step[] {
  const steps: Step[] = [...random.pick(CLIENTS)]
  const changes = random.below(6)
  for (let change = 0; change < changes; change++) changeSteps(random, way, steps)
  return steps.slice(0, STEPS_MAX)
}

function changeSteps(random: Random, way: Way, steps: Step[]): void {
  const at = random.below(steps.length + 1)
  const step = steps[at]
  switch (random.below(9)) {
    case 0:
      steps.splice(at, 1)
      break
    case 1:
      if (step !== undefined) steps.splice(at, 0, step)
      break
    case 2:
      steps.splice(at, 0, random.pick(random.pick(CLIENTS)))
      break
    case 3: {
      const [other] = steps.splice(random.below(steps.length), 1)
      if (other !== undefined) steps.splice(at, 0, other)
      break
    }
    case 4:
      steps.splice(at, 0, drawStep(random, way))
      break
    default:
      if (step !== undefined && (step[0] === 'text' || step[0] === 'body'))
        steps[at] = [step[0], changeSome(random, step[1])]
      else steps.splice(at, 0, drawStep(random, way))
  }
}

function drawStep(random: Random, way: Way): Step {
  const kind = random.below(12)
  if (kind < 3)
    return [
      'text',
      changeSome(random, random.pick(['42["x",{}]', '421[""]', '451-["x",{"_placeholder":true,"num":0}]', '4', '']))
    ]
  if (kind < 5) return ['binary', randomHex(random, 60)]
  if (kind === 5) return ['text', '421["ss-join",'.padEnd(14 + 10 ** random.below(6), '["\\')]
  if (kind === 6) return ['wait', random.pick(Object.keys(AWAITED))]
  if (kind === 7 && random.chance(0.5)) return random.chance(0.5) ? ['cut', ''] : ['hush', '']
  if (way !== 'polling') return ['frame', drawFrame(random)]
  return random.chance(0.6) ? ['body', changeSome(random, random.pick(BODIES))] : ['query', random.pick(QUERIES)]
}

/** A WebSocket frame, of which anything may be wrong. */
function drawFrame(random: Random): string {
  if (random.chance(0.1)) return randomHex(random, 60)
  const opcode = random.pick([0, 0, 1, 1, 1, 2, 2, 8, 9, 9, 10, 3, 11, 15])
  const isFinal = random.chance(0.7)
  const reserved = random.chance(0.1) ? random.below(8) << 4 : 0
  const isMasked = random.chance(0.9)
  const payload = Buffer.from(
    random.chance(0.4)
      ? changeSome(random, random.pick(['42["x"]', '40', '2', '']))
      : Buffer.from(randomHex(random, 130), 'hex')
  )
  // What it says of its length need not be so, nor be said in the shortest way.
  const said = random.chance(0.9) ? payload.length : random.pick([0, 1, 125, 126, 65_535, 65_536, 2 ** 31, 2 ** 53])
  const length =
    random.chance(0.9) && said < 126 ? [said] : said < 65_536 ? [126, said >> 8, said & 255] : longLength(said)
  const mask = isMasked ? [random.below(256), random.below(256), random.below(256), random.below(256)] : []
  const bytes = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  const [first = 0, ...rest] = length
  return Buffer.from([
    (isFinal ? 0x80 : 0) | reserved | opcode,
    (isMasked ? 0x80 : 0) | first,
    ...rest,
    ...mask,
    ...bytes
  ]).toString('hex')
}

function longLength(length: number): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(length))
  return [127, ...bytes]
}

function changeSome(random: Random, text: string): string {
  let changed = text
  for (let changes = random.below(4); changes > 0; changes--) changed = changeText(random, changed)
  return changed
}

function changeText(random: Random, text: string): string {
  const at = random.below(text.length + 1)
  const end = at + random.below(8)
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1)
    case 2:
      return text.slice(0, at)
    case 3:
      return text.slice(0, end) + text.slice(at)
    case 4:
      return (
        text.slice(0, at) +
        random.pick(PIECES).repeat(random.chance(0.05) ? 10 ** random.below(4) : 1) +
        text.slice(end)
      )
    case 5:
      return text.replace(/\d+/, () => random.pick(['-1', '0', '1', '65536', '1e9', '9007199254740993']))
    default:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at)
  }
}

function randomHex(random: Random, limit: number): string {
  return Buffer.from(Array.from({ length: random.below(limit) }, () => random.below(256))).toString('hex')
}
