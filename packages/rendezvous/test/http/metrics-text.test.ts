import { Gauge, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { MetricsText } from '../../src/http/metrics-text.js'
import { serve } from './requests.js'

async function start() {
  let [now, readings] = [0, 0]
  const registry = new Registry()
  const gauge: Gauge = new Gauge({
    name: 'readings',
    help: 'times it was read',
    registers: [registry],
    collect: () => gauge.set(++readings)
  })
  const text = new MetricsText(registry, () => now)
  const ask = await serve(({ url }, response) => text.send(response, url === '/fresh'))
  const read = async (path = '/'): Promise<number> => Number(/^readings (\d+)$/m.exec((await ask(path)).body)?.[1])
  return { read, pass: (milliseconds: number) => void (now += milliseconds) }
}

test('all who ask within a second get the same', async () => {
  const { read, pass } = await start()
  expect(await Promise.all(Array.from({ length: 20 }, () => read()))).toEqual(Array.from({ length: 20 }, () => 1))
  pass(999)
  expect(await read()).toBe(1)
  pass(1)
  expect(await read()).toBe(2)
})

test('whoever may have it fresh does', async () => {
  const { read } = await start()
  expect([await read('/fresh'), await read('/fresh'), await read()]).toEqual([1, 2, 2])
})
