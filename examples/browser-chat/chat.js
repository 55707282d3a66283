import { createStarClient } from '@websocket-star/client'

const server = new URLSearchParams(location.search).get('server') ?? `http://${location.hostname}:9090`
const client = await createStarClient({ servers: [server] })
const $ = (id) => document.getElementById(id)

// A person's name here is the end of the peer id, with a colour derived from it.
function name(element, peerId) {
  element.textContent = peerId.slice(-6)
  element.style.setProperty('--hue', parseInt(peerId.slice(-6), 36) % 360)
}
function show(peerId, text) {
  const line = document.createElement('li')
  name(line.appendChild(document.createElement('b')), peerId)
  line.append(text)
  line.classList.toggle('own', peerId === client.peerId)
  $('messages').appendChild(line).scrollIntoView()
}

// Each message uses its own connection: its bytes, then the end.
client.handle(async ({ readable, writable, remotePeerId }) => {
  await writable.close()
  show(remotePeerId, await new Response(readable).text())
})
async function send(peerId, text) {
  const { writable } = await client.dial(peerId)
  await new Blob([text]).stream().pipeTo(writable)
}
$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  for (const { id } of client.peers) send(id, $('text').value).catch(console.warn)
  show(client.peerId, $('text').value)
  $('form').reset()
})

// Without a server a message would reach nobody.
client.addEventListener('client:state', ({ detail: state }) => {
  $('state').textContent = state
  $('send').disabled = state !== 'joined'
})
name($('self'), client.peerId)
await client.join()
$('others').textContent = client.peers.size
for await (const _ of client.peers.changes()) $('others').textContent = client.peers.size
