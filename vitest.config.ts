import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

/** Tests of a package that start Redis. */
const UNIT_WITH_REDIS = 'packages/rendezvous/test/cluster/{redis/*,conformance/redis}.test.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    // Most files wait for timers, browsers and other processes more than they compute.
    maxWorkers: availableParallelism() + 1,
    // Nothing is waited for by the clock: a test that takes so long hangs, however busy the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './scripts/test-report.js'],
    projects: [
      {
        extends: true,
        test: {
          // Starts no other process.
          name: 'unit',
          include: ['{packages/*,testkit}/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, UNIT_WITH_REDIS]
        }
      },
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/{browsers,cluster,libp2p}/**']
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
          // Several servers of one star: these need Redis.
          include: ['test/cluster/**/*.test.ts', UNIT_WITH_REDIS],
          // Runs only if one of these tests does.
          globalSetup: 'test/cluster/install.ts',
          // libp2p 3 wants Node 22.
          setupFiles: 'test/support/promise-with-resolvers.js'
        }
      },
      {
        extends: true,
        test: {
          name: 'browsers',
          include: ['test/browsers/**/*.test.ts'],
          // Runs only if one of these tests does.
          globalSetup: 'test/browsers/install.ts'
        }
      }
    ]
  }
})
