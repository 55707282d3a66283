import { render } from 'preact'
import { App } from './app.js'

const root = document.getElementById('app')
const { playground, admin, figures } = document.body.dataset
// The server writes the address into the HTML, so that it is shown without scripts too.
const multiaddr = root?.querySelector('output')?.textContent ?? ''
if (root !== null) {
  root.replaceChildren()
  render(
    <App
      multiaddr={multiaddr}
      hasPlayground={playground === 'on'}
      hasAdmin={admin === 'on'}
      isPrivate={figures === 'admin'}
    />,
    root
  )
}
