import { readFile } from 'node:fs/promises'
import type { Page } from './page.js'

/** The same of the processes that run pages: what these have handed to the browser to keep is left out. */
export function rendererMemoryOf(...pages: readonly [Page, ...Page[]]): Promise<number> {
  return measure(pages, (type) => type === 'renderer')
}

/**
 * Bytes of memory that all processes of these pages' Chromium have of their own, buffers outside the heap included,
 * after what is garbage was collected.
 */
export function memoryOf(...pages: readonly [Page, ...Page[]]): Promise<number> {
  return measure(pages, () => true)
}

async function measure(pages: readonly [Page, ...Page[]], counts: (type: string) => boolean): Promise<number> {
  for (const { tab } of pages) {
    const devtools = await tab.createCDPSession()
    await devtools.send('HeapProfiler.collectGarbage')
    await devtools.detach()
  }
  const browser = await pages[0].tab.browser().target().createCDPSession()
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  await browser.detach()
  let bytes = 0
  for (const { id, type } of processInfo) {
    if (!counts(type)) continue
    // One that has gone since has no memory.
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    for (const [, kilobytes] of status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)) bytes += Number(kilobytes) * 1024
  }
  return bytes
}
