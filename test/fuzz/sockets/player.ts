import { maskedFrame, BINARY, textFrame } from '@websocket-star/testkit'
import { IDENTITIES, type Identity } from './identities.js'
import { Line } from './line.js'
import { AWAITED, type Step, type Transcript } from './transcript.js'

/** Where a transcript is played. */
export interface Stage {
  readonly port: number
  /** What addresses of its star begin with. */
  readonly prefix: string
  /** The address of a peer that takes each dial. */
  readonly peer: string
}

/** Milliseconds that the server has to say what is waited for. */
const PATIENCE = 300
/** Polls of one client. */
const POLLS_MAX = 20

let played = 0

/** Plays a transcript, to the end of its connections. @returns how many things were sent */
export async function play(transcript: Transcript, stage: Stage): Promise<number> {
  const player = new Player(transcript, stage)
  await player.play()
  return player.inputs
}

class Player {
  /** Packets, frames and requests sent. */
  inputs = 0
  readonly #transcript: Transcript
  readonly #stage: Stage
  readonly #self: Identity
  readonly #other: Identity
  readonly #dial: string
  /** What all its connections heard, for `<…>`. */
  readonly #lines: Line[] = []
  #main: Line
  #isWebSocket = false
  #polls = 0
  #isCut = false

  constructor(transcript: Transcript, stage: Stage) {
    this.#transcript = transcript
    this.#stage = stage
    this.#self = pick(transcript.self)
    this.#other = pick(transcript.self * 7 + 1)
    this.#dial = `f${played++}`
    this.#main = this.#open()
  }

  async play(): Promise<void> {
    const { way, steps } = this.#transcript
    if (way === 'websocket') await this.#handshake('')
    if (way === 'polling' || way === 'upgrade') await this.#beginPolling()
    const half = Math.floor(steps.length / 2)
    for (const [index, step] of steps.entries()) {
      if (this.#isCut) break
      if (way === 'upgrade' && index === half) await this.#upgrade()
      await this.#take(step)
      // As clients do: two messages at once are taken for an attack.
      if (this.#polls < POLLS_MAX && isMessage(step) && way !== 'http' && !this.#isWebSocket) {
        await this.#main.hear(/\r\n\r\nok/, PATIENCE)
      }
    }
    if (!this.#isCut && (way === 'polling' || way === 'upgrade') && !this.#isWebSocket) this.#post(this.#bodyOf('1'))
    await Promise.all(this.#lines.map((line) => line.end()))
  }

  async #take([kind, what]: Step): Promise<void> {
    if (kind === 'wait') {
      const pattern = AWAITED[what]
      if (pattern !== undefined) await this.#hear(pattern)
      return
    }
    if (kind === 'hush') {
      this.#polls = POLLS_MAX
      return
    }
    if (kind === 'cut') {
      this.#isCut = true
      for (const line of this.#lines) line.cut()
      return
    }
    this.inputs++
    switch (kind) {
      case 'text':
        return this.#send(this.#filled(what))
      case 'binary':
        return this.#sendBinary(Buffer.from(what, 'hex'))
      case 'frame':
        return this.#main.write(Buffer.from(what, 'hex'))
      case 'body':
        return this.#post(this.#filled(what))
      case 'query':
        return this.#main.write(`GET /socket.io/?${this.#filled(what)} HTTP/1.1\r\nHost: star.test\r\n\r\n`)
      case 'request':
        return this.#main.write(Buffer.from(this.#filled(what), 'latin1'))
    }
  }

  #open(onHeard?: (line: Line) => void): Line {
    const line = new Line(this.#stage.port, onHeard)
    this.#lines.push(line)
    return line
  }

  #query(transport: string): string {
    const { eio, base64 } = this.#transcript
    return `EIO=${eio}&transport=${transport}${base64 ? '&b64=1' : ''}`
  }

  async #handshake(more: string): Promise<void> {
    this.#isWebSocket = true
    this.inputs++
    this.#main.write(
      `GET /socket.io/?${this.#query('websocket')}${more} HTTP/1.1\r\nHost: star.test\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
    )
    await this.#main.hear(/ 101 /, PATIENCE)
  }

  /** Begins a session that polls: on one connection it sends, on another it polls, as browsers do. */
  async #beginPolling(): Promise<void> {
    let answers = 0
    const polls = this.#open((line) => {
      // An answer each: the next poll.
      const seen = line.heard.split('HTTP/1.1 ').length
      if (seen > answers && this.#said('sid') !== '') this.#poll(polls)
      answers = seen
    })
    this.#poll(polls)
    await this.#hear(AWAITED['sid'] ?? /$^/)
  }

  #poll(line: Line): void {
    if (this.#isWebSocket || this.#polls++ >= POLLS_MAX) return
    this.inputs++
    const sid = this.#said('sid')
    const query = `${this.#query('polling')}${sid === '' ? '' : `&sid=${sid}`}`
    line.write(`GET /socket.io/?${query} HTTP/1.1\r\nHost: star.test\r\n\r\n`)
  }

  #post(body: string): void {
    const bytes = Buffer.from(body)
    const head = `POST /socket.io/?${this.#query('polling')}&sid=${this.#said('sid')} HTTP/1.1\r\nHost: star.test\r\n`
    const type = 'Content-Type: text/plain;charset=UTF-8\r\n'
    this.#main.write(Buffer.concat([Buffer.from(`${head}${type}Content-Length: ${bytes.length}\r\n\r\n`), bytes]))
  }

  async #upgrade(): Promise<void> {
    this.#main = this.#open()
    await this.#handshake(`&sid=${this.#said('sid')}`)
    this.#send('2probe')
    await this.#hear(AWAITED['pong'] ?? /$^/)
    this.#send('5')
  }

  #send(text: string): void {
    if (this.#isWebSocket) this.#main.write(textFrame(text))
    else this.#post(this.#bodyOf(text))
  }

  #sendBinary(bytes: Buffer): void {
    const { eio, base64 } = this.#transcript
    const text = `b${eio === 3 ? '4' : ''}${bytes.toString('base64')}`
    if (!this.#isWebSocket || base64) return this.#send(text)
    this.#main.write(eio === 3 ? maskedFrame(BINARY, Buffer.of(4), bytes) : maskedFrame(BINARY, bytes))
  }

  #bodyOf(packet: string): string {
    return this.#transcript.eio === 3 ? `${packet.length}:${packet}` : packet
  }

  async #hear(what: RegExp): Promise<void> {
    await Promise.race(this.#lines.map((line) => line.hear(what, PATIENCE)))
  }

  /** What was said last that is known by a name; '' if that was not said. */
  #said(name: string): string {
    const pattern = AWAITED[name]
    if (pattern === undefined) return ''
    for (const { heard } of this.#lines) {
      const found = [...heard.matchAll(new RegExp(pattern, 'g'))].at(-1)
      if (found !== undefined) return found[1] ?? ''
    }
    return ''
  }

  #filled(text: string): string {
    return text.includes('<') ? text.replaceAll(/<([a-z]+)>/g, (mark, name: string) => this.#fill(name) ?? mark) : text
  }

  #fill(name: string): string | undefined {
    const { prefix, peer } = this.#stage
    switch (name) {
      case 'sid':
      case 'nonce':
        return this.#said(name)
      case 'id':
        return this.#self.id
      case 'key':
        return this.#self.publicKeyHex
      case 'address':
        return `${prefix}/ipfs/${this.#self.id}`
      case 'signature':
        return this.#self.sign(this.#said('nonce'))
      case 'peer':
        return peer
      case 'other':
        return `${prefix}/p2p/${this.#other.id}`
      case 'dial':
        return this.#said('dialled') || this.#dial
      case 'ack':
        return this.#lines.map(({ heard }) => /42(\d+)\["ss-incomming"/.exec(heard)?.[1]).find(Boolean) ?? '0'
      default:
        return undefined
    }
  }
}

function isMessage([kind]: Step): boolean {
  return kind === 'text' || kind === 'binary' || kind === 'body'
}

function pick(number: number): Identity {
  // Below its length.
  return IDENTITIES[number % IDENTITIES.length] as Identity
}
