import { createStarClient } from '@websocket-star/client'

const server = new URLSearchParams(location.search).get('server') ?? `http://${location.hostname}:9090`
const $ = (id) => document.getElementById(id)
const client = await createStarClient({ servers: [server] })
const name = (peerId) => peerId.slice(-6)
const senders = new Map() // what we say to each peer

function show(who, text) {
  const line = document.createElement('li')
  line.append(Object.assign(document.createElement('b'), { textContent: who }), ` ${text}`)
  $('messages').append(line)
  line.scrollIntoView()
}

// Everyone says things on a connection of their own: a line of text each.
client.handle(async ({ readable, remotePeerId }) => {
  let rest = ''
  for await (const part of readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n')
    rest = lines.pop()
    for (const line of lines) show(name(remotePeerId), line)
  }
})
client.addEventListener('server:status', ({ detail }) => ($('state').textContent = detail.state))
$('self').textContent = name(client.peerId)
$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const line = new TextEncoder().encode(`${$('text').value}\n`)
  for (const writer of senders.values()) writer.write(line).catch(() => {})
  show('you', $('text').value)
  $('form').reset()
})

await client.join()
for await (const { type, peer } of client.peers) {
  if (type === 'joined') {
    const connection = await client.dial(peer.id).catch(() => undefined)
    if (connection !== undefined) senders.set(peer.id, connection.writable.getWriter())
  } else if (type === 'left') senders.delete(peer.id)
  $('count').textContent = senders.size
}
