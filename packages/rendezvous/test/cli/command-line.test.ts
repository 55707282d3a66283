import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.js'
import { optionSurfaces, type OptionSurface } from '../../src/cli/option-surface.js'
import { parseOptions } from '../../src/options.js'
import { complaintOf, configFile, nested, printed, read, valueAt, type Environment } from './reading.js'

const surfaces = optionSurfaces()

/** Three values of each option that is not a number or a switch, all different from its default. */
const texts: Record<string, readonly [string, string, string]> = {
  host: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  key: ['a.pem', 'b.pem', 'c.pem'],
  cert: ['a.pem', 'b.pem', 'c.pem'],
  pfx: ['a.pfx', 'b.pfx', 'c.pfx'],
  passphrase: ['a word', 'another', 'a third'],
  adminToken: ['a secret, and long', 'another secret, long', 'a third secret, long'],
  publicAddresses: [
    '/dns4/a/wss/p2p-websocket-star',
    '/dns4/b/wss/p2p-websocket-star',
    '/dns4/c/wss/p2p-websocket-star'
  ],
  allowedOrigins: ['https://a.example', 'https://b.example', 'https://c.example'],
  basePath: ['/a', '/b/', '/c/d'],
  trustProxy: ['loopback', '192.0.2.1', '10.0.0.0/8'],
  logLevel: ['silent', 'warn', 'debug'],
  logFormat: ['json', 'pretty', 'json'],
  redis: ['redis://a.example', 'redis://:secret@b.example:6380/1', 'rediss://user:secret@c.example'],
  'cluster.star': ['a', 'b', 'c'],
  'cluster.node': ['node-1', 'node_2', 'node.3']
}

/** A value as the operator writes it, and as it is in the options. */
interface Sample {
  text: string
  value: unknown
}

function samplesOf(surface: OptionSurface): [flag: Sample, variable: Sample, file: Sample] {
  const { kind, path } = surface
  const sample = (index: 0 | 1 | 2): Sample => {
    if (kind === 'switch') return { text: '1', value: false }
    if (kind === 'number') {
      const value = Number(surface.commandLineDefault) + 1 + index
      return { text: `${value}`, value }
    }
    const text = texts[path.join('.')]?.[index]
    if (text === undefined) throw new Error(`Name three values for ${path.join('.')} above`)
    return { text, value: kind === 'list' ? [text] : text }
  }
  return [sample(0), sample(1), sample(2)]
}

function companions({ path }: OptionSurface): string[] {
  return path[0] === 'key' ? ['--cert=x.pem'] : path[0] === 'cert' ? ['--key=x.pem'] : []
}

function flagOf({ kind, flag }: OptionSurface, { text }: Sample): string {
  return kind === 'switch' ? `--${flag}` : `--${flag}=${text}`
}

describe.each(surfaces.map((surface) => [surface.path.join('.'), surface] as const))('%s', (_, surface) => {
  const [flag, variable, file] = samplesOf(surface)
  const optionsOf = (args: readonly string[], env?: Environment) =>
    valueAt(read([...companions(surface), ...args], env).options, surface)
  const fileArgs = () => ['--config', configFile(nested(surface.path, file.value))]

  test('has its default', () => {
    if (companions(surface).length === 0) expect(optionsOf([])).toEqual(surface.commandLineDefault)
    else expect(parseOptions({})).not.toHaveProperty([...surface.path])
  })

  test('comes from its flag', () => {
    expect(optionsOf([flagOf(surface, flag)])).toEqual(flag.value)
  })

  test('comes from its variable', () => {
    expect(optionsOf([], { [surface.env]: variable.text })).toEqual(variable.value)
  })

  test('comes from the configuration file', () => {
    expect(optionsOf(fileArgs())).toEqual(file.value)
  })

  test('comes from its flag first, then its variable, then the file', () => {
    const env = { [surface.env]: variable.text }
    expect(optionsOf([...fileArgs(), flagOf(surface, flag)], env)).toEqual(flag.value)
    expect(optionsOf(fileArgs(), env)).toEqual(variable.value)
    expect(optionsOf(fileArgs(), { [surface.env]: '' })).toEqual(file.value)
  })
})

test('no two options share a flag or a variable', () => {
  for (const names of [surfaces.map(({ flag }) => flag), surfaces.map(({ env }) => env)]) {
    expect(new Set(names).size).toBe(names.length)
  }
})

describe('switches', () => {
  const switches = surfaces.filter(({ kind }) => kind === 'switch')

  test.each(switches.map((surface) => [surface.env, surface] as const))('%s is off whatever the text', (_, surface) => {
    for (const text of ['1', 'true', 'yes', '0', 'false', 'no']) {
      const { options, warnings } = read([], { [surface.env]: text })
      expect(valueAt(options, surface)).toBe(false)
      const isWarned = ['0', 'false', 'no'].includes(text)
      expect(warnings).toEqual(isWarned ? [expect.stringContaining(`${surface.env}=${text}`)] : [])
    }
  })

  test('a variable counts before a file that says true', () => {
    expect(read(['--config', configFile({ metrics: true })], { DISABLE_METRICS: '1' }).options.metrics).toBe(false)
  })
})

describe('lists', () => {
  test('a flag may be given several times', () => {
    const { options } = read(['--trust-proxy', 'loopback', '--trust-proxy=10.0.0.0/8'])
    expect(options.trustProxy).toEqual(['loopback', '10.0.0.0/8'])
  })

  test('a variable has commas', () => {
    const { options } = read([], { WEBSOCKET_STAR_TRUST_PROXY: 'loopback, 10.0.0.0/8' })
    expect(options.trustProxy).toEqual(['loopback', '10.0.0.0/8'])
  })
})

test('the command line collects small messages, unless it is told otherwise', () => {
  const gatherTimes = [[], ['--relay-gather-time=0'], ['--config', configFile({ relay: { stallTimeout: 5 } })]].map(
    (args) => read(args).options.relay.gatherTime
  )
  expect(gatherTimes).toEqual([0.1, 0, 0.1])
  expect(complaintOf(['--config', configFile({ relay: 5 })])).toContain('star.json:1: relay: ')
})

describe('the file', () => {
  test('keeps what neither flags nor variables give', () => {
    const path = configFile({ port: 1, limits: { messageSize: 2, sessionsPerIp: 3 }, metrics: false })
    const { options } = read(['--config', path, '--max-message-size=4'], { PORT: '5' })
    expect(options).toEqual({
      ...parseOptions({ relay: { gatherTime: 0.1 } }),
      port: 5,
      metrics: false,
      limits: { ...parseOptions({}).limits, messageSize: 4, sessionsPerIp: 3 }
    })
  })

  test.each([
    ['{ "port": 9090', '--config'],
    ['', '--config'],
    ['["port"]', '--config'],
    ['null', '--config'],
    ['{\n"host":\nlocalhost\n}', '--config'],
    [{ prot: 9090 }, 'prot'],
    [{ limits: { sessions: 1 } }, 'sessions'],
    [{ limits: 12 }, 'limits'],
    [{ limits: { sessionsPerIp: 'few' } }, 'limits.sessionsPerIp'],
    [{ trustProxy: 'loopback' }, 'trustProxy'],
    [{ metrics: 'no' }, 'metrics'],
    [{ port: null }, 'port']
  ])('may not hold %j', (content, named) => {
    const path = configFile(content)
    const complaint = complaintOf(['--config', path])
    expect(complaint).toContain(named)
    expect(complaint).toContain(path)
    expect(complaint).toMatch(/^.+$/)
  })
})

describe('a mistake', () => {
  test('is told with all others, each as it was given', () => {
    const env = { WEBSOCKET_STAR_DIAL_ACK_TIMEOUT: '0' }
    expect(complaintOf(['-p=x', '--logFormat=xml', '--config', configFile({ join: { deadline: -1 } })], env)).toMatch(
      new RegExp(
        '^--port x: expected a whole number from 0 to 65535; ' +
          '--log-format xml: expected one of auto, json, pretty; ' +
          '.*star.json:1: join.deadline: expected a whole number from 1 to 2147483647; ' +
          'WEBSOCKET_STAR_DIAL_ACK_TIMEOUT=0: expected a whole number from 1 to 2147483647$'
      )
    )
  })

  test.each([['--prot=1'], ['-x'], ['start'], ['--metrics']])('%s is no option', (arg) => {
    const complaint = complaintOf([arg])
    expect(complaint).toContain(arg.replace('=1', ''))
    expect(complaint).toMatch(/^.+; websocket-star --help-all lists all options$/)
  })

  test.each([
    [['--key=a.pem'], 'cert'],
    [['--cert=a.pem'], 'key'],
    [['--pfx=a', '--key=b', '--cert=c'], 'key and cert']
  ])('%j does not go together', (args, missing) => {
    expect(complaintOf(args)).toMatch(new RegExp(`^${args[0]?.replace('=', ' ')}: .*${missing}`))
  })
})

describe('what it only prints', () => {
  test.each([[['--help']], [['-h']], [['-h', '--disableMetrics']], [['--port=1', '-h']]])('%j: the help', (args) => {
    expect(printed(args)).toMatch(/^Usage: /)
  })

  test('the version', () => {
    expect(printed(['--version'])).toBe('1.2.3\n')
  })
})

describe('the demo', () => {
  test.each([
    [['demo'], { host: '127.0.0.1', port: 9090 }, { allowsLocalNetwork: false, anyPort: true }],
    [['demo', '--lan'], { host: '0.0.0.0', port: 9090 }, { allowsLocalNetwork: true, anyPort: true }],
    [['demo', '--port=8080', '--no-playground'], { port: 8080, playground: false }, { anyPort: false }],
    [['demo', '--lan', '--host', '192.0.2.1'], { host: '192.0.2.1' }, { allowsLocalNetwork: true }]
  ])('%j', (args, options, rest) => {
    const request = readCommandLine({ args, env: {}, version: '1.2.3' })
    expect(request).toMatchObject({ action: 'demo', options, ...rest })
  })

  test('has a help of its own with what a demo needs, and nothing else has its flag', () => {
    const flags = printed(['demo', '--help']).match(/--[a-z][a-z-]*(?= )/g)
    expect(flags).toEqual(['--lan', '--port', '--help'])
    expect(printed(['--help'])).not.toContain('--lan')
    expect(printed(['--help'])).toContain('websocket-star demo')
    expect(complaintOf(['--lan'])).toContain('--lan')
  })
})

describe('a secret is not shown', () => {
  const PASSWORD = 'hunter2'

  test.each<[args: string[], env: Environment]>([
    [[`--admin-token=${PASSWORD}`], {}],
    [['--admin-token', PASSWORD], {}],
    [[], { WEBSOCKET_STAR_ADMIN_TOKEN: PASSWORD }],
    [[`--admin-toke=${PASSWORD}`], {}],
    [['--passphrase', 'of', PASSWORD], {}],
    [['-passphrase', PASSWORD], {}],
    [[`redis://:${PASSWORD}@a.example`], {}]
  ])('%j %j', (args, env) => {
    expect(complaintOf(args, env)).not.toContain(PASSWORD)
  })

  test.each([
    `redis://star:${PASSWORD}/more@a.example`,
    `redis://star:0/${PASSWORD}@a.example`,
    `redis://star:0?${PASSWORD}@a.example`,
    `redis://star:0#${PASSWORD}`,
    `redis://star:${PASSWORD}@more@a.example/x`,
    `redis://:${PASSWORD}%@a.example`,
    `redis:star:${PASSWORD}/@a.example`,
    `http://star:${PASSWORD}@a.example`,
    `star:${PASSWORD}@a.example`
  ])('in %s', (redis) => {
    for (const complaint of [
      complaintOf(['--redis', redis]),
      complaintOf([`--redis=${redis}`]),
      complaintOf([], { WEBSOCKET_STAR_REDIS: redis }),
      complaintOf(['--config', configFile({ redis })])
    ]) {
      expect(complaint).not.toContain(PASSWORD)
      expect(complaint).toMatch(/redis.*: expected redis:\/\/\[user:password@\]host/i)
    }
  })
})
