import { configDefaults, defineConfig } from 'vitest/config'

/** Several servers of one star: these need Redis. */
const CLUSTER = ['test/cluster/**/*.test.ts', 'packages/rendezvous/test/cluster/{redis,conformance}/**/*.test.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/browsers/**', 'test/libp2p/**', ...CLUSTER]
        }
      },
      {
        extends: true,
        test: {
          name: 'libp2p',
          include: ['test/libp2p/**/*.test.ts'],
          // libp2p 3 wants Node 22.
          setupFiles: 'test/support/promise-with-resolvers.js'
        }
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: CLUSTER,
          // Runs only if one of these tests does.
          globalSetup: 'test/cluster/install.ts',
          // libp2p 3 wants Node 22.
          setupFiles: 'test/support/promise-with-resolvers.js',
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          name: 'browsers',
          include: ['test/browsers/**/*.test.ts'],
          // Runs only if one of these tests does.
          globalSetup: 'test/browsers/install.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      }
    ]
  }
})
