import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { eachAttacker, type Scene } from './attack.js'

/** Milliseconds after which an attacker that was closed comes back. */
const RETURN = 250
/** Milliseconds. */
const PATIENCE = 20_000
const STATUS = /HTTP\/1\.1 (\d{3})/g

/** Opens a plain socket from an attacker's address. */
export function openSocket(scene: Scene, index: number): Socket {
  const { host, port } = scene
  const tcp = connect({ host, port, localAddress: scene.addressOf(index), noDelay: true })
  scene.tally.watch(tcp)
  tcp.on('error', () => {})
  return tcp
}

/** Opens a plain socket for each attacker, has it attack, and lets it come back when it was closed. */
export async function besiegeSockets(
  scene: Scene,
  attack: (tcp: Socket, index: number) => Promise<void> | void,
  { reads = true, pause = RETURN } = {}
): Promise<void> {
  await eachAttacker(scene, async (index) => {
    while (!scene.signal.aborted) {
      const tcp = openSocket(scene, index)
      const statuses = new Set<string>()
      let failure = ''
      const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
      tcp.on('error', ({ message }) => (failure = message.split(' ', 2).join(' ')))
      if (reads) {
        tcp.on('data', (bytes: Buffer) => {
          for (const [, status = ''] of bytes.toString('latin1', 0, 4_096).matchAll(STATUS)) statuses.add(status)
        })
      }
      await attack(tcp, index)
      await Promise.race([closed, over(scene)])
      if (tcp.closed) scene.tally.ended(['closed', ...[...statuses].toSorted(), failure].join(' ').trim(), tcp)
      await delay(pause)
    }
  })
}

export async function over({ signal }: Scene): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Sends a request on a connection of its own; the status is 0 if there is no answer. */
export async function askOnce(scene: Scene, index: number, request: string): Promise<{ status: number; body: string }> {
  const tcp = openSocket(scene, index)
  let text = ''
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
  tcp.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')))
  tcp.write(request)
  await Promise.race([closed, delay(PATIENCE), over(scene)])
  tcp.destroy()
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), body: text }
}

/** Opens a session by polling: its id, or undefined if the server refuses. */
export async function openPolling(scene: Scene, index: number, eio: 3 | 4): Promise<string | undefined> {
  const { status, body } = await askOnce(
    scene,
    index,
    `GET /socket.io/?EIO=${eio}&transport=polling&b64=1 HTTP/1.1\r\nHost: ${scene.host}:${scene.port}\r\nConnection: close\r\n\r\n`
  )
  const sid = /"sid":"([^"]+)"/.exec(body)?.[1]
  if (sid === undefined) scene.tally.ended(`not connected: HTTP ${status}`)
  return sid
}

/** Returns the head of a POST to a session. */
export function postHead(scene: Scene, sid: string, eio: 3 | 4, length: number): string {
  return (
    `POST /socket.io/?EIO=${eio}&transport=polling&b64=1&sid=${sid} HTTP/1.1\r\nHost: ${scene.host}:${scene.port}\r\n` +
    `Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${length}\r\n\r\n`
  )
}

/** Returns a request for a page. */
export function getRequest(scene: Scene, path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${scene.host}:${scene.port}\r\n${headers}\r\n`
}
