/** Is loaded before a server, by `node --import`: on SIGUSR2 it collects garbage and prints what is left, in one line. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

process.on('SIGUSR2', async () => {
  // What is collected first may have held on to what is collected next.
  for (let turn = 0; turn < 2; turn++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources = {}
  for (const name of process.getActiveResourcesInfo()) {
    // The one above may be among them.
    if (name !== 'Immediate') resources[name] = (resources[name] ?? 0) + 1
  }
  console.log(`sample ${JSON.stringify({ heapUsed, external, rss, resources })}`)
})
