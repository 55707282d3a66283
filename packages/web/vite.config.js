import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** A server to work against: `npm start -- --port 9090` beside `npm start -w packages/web`. */
const SERVER = 'http://127.0.0.1:9090'
const path = (name) => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  root: path('.'),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // What the server is packed with.
    outDir: path('../rendezvous/dist/web'),
    emptyOutDir: true,
    target: ['chrome109', 'firefox115', 'safari16'],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: { index: path('index.html'), try: path('try.html') } }
  },
  server: {
    proxy: {
      '/events': SERVER,
      '/admin': SERVER,
      '/socket.io': { target: SERVER, ws: true }
    }
  }
})
