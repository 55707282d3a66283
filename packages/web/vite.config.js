import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** Server for the pages during development: `npm start -- --port 9090`. */
const SERVER = 'http://127.0.0.1:9090'
const path = (name) => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  root: path('.'),
  // The server may be below a path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // Part of the server's package.
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
