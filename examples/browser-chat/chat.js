import { createStarClient } from '@websocket-star/client'

const server = new URLSearchParams(location.search).get('server') ?? `http://${location.hostname}:9090`
const $ = (id) => document.getElementById(id)
const client = await createStarClient({ servers: [server] })
const senders = new Map() // what we say to each peer

// People would choose a name; here it is the end of the peer id, and a colour made from it.
const nameOf = (peerId) => peerId.slice(-6)
const hueOf = (peerId) => [...peerId].reduce((hue, char) => (hue * 31 + char.charCodeAt(0)) % 360, 0)

function show(peerId, text) {
  const line = document.createElement('li')
  const name = document.createElement('b')
  name.textContent = nameOf(peerId)
  name.style.setProperty('--hue', hueOf(peerId))
  line.classList.toggle('own', peerId === client.peerId)
  line.append(name, text)
  $('messages').append(line)
  line.scrollIntoView()
}

function showOthers() {
  const count = senders.size
  $('others').textContent =
    count === 0 ? 'Nobody else is here.' : count === 1 ? '1 other is here.' : `${count} others are here.`
}

// Everyone says things on a connection of their own: a line of text each.
client.handle(async ({ readable, writable, remotePeerId }) => {
  await writable.close()
  let rest = ''
  for await (const part of readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n')
    rest = lines.pop()
    for (const line of lines) show(remotePeerId, line)
  }
})
client.addEventListener('server:status', ({ detail }) => ($('state').textContent = detail.state))
$('self').textContent = nameOf(client.peerId)
$('self').style.setProperty('--hue', hueOf(client.peerId))
showOthers()
$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const line = new TextEncoder().encode(`${$('text').value}\n`)
  for (const writer of senders.values()) writer.write(line).catch(() => {})
  show(client.peerId, $('text').value)
  $('form').reset()
})

await client.join()
for await (const { type, peer } of client.peers) {
  if (type === 'joined') {
    const connection = await client.dial(peer.id).catch(() => undefined)
    if (connection !== undefined) senders.set(peer.id, connection.writable.getWriter())
  } else if (type === 'left') senders.delete(peer.id)
  showOthers()
}
